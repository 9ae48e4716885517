package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/config"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		taken    []string
		want     string
	}{
		{"safe", "pve1", nil, "pve1"},
		{"all safe characters", "Clu_1.lab-x", nil, "Clu_1.lab-x"},
		{"address", "192.168.1.100", nil, "192.168.1.100"},
		{"spaces", "My PVE  Node", nil, "My_PVE_Node"},
		{"unsafe at the ends", " (pve) ", nil, "pve"},
		{"slashes and umlauts", "Büro/Keller", nil, "B_ro_Keller"},
		{"nothing safe", "日本", nil, "target"},
		{"nothing", "", nil, "target"},
		{"dots only", "..", nil, "target"},
		{"the same name", "pve1", []string{"pve1"}, "pve1_2"},
		{"the same name again", "pve1", []string{"pve1", "pve1_2"}, "pve1_3"},
		{"another one begins it", "a-b", []string{"a"}, "a_b"},
		{"it begins another one", "a", []string{"a-b"}, "a_2"},
		{"a common beginning without a dash", "pve10", []string{"pve1"}, "pve10"},
		{"case tells apart", "PVE1", []string{"pve1"}, "PVE1"},
		{"the name of shared storages", "shared", nil, "shared_2"},
		{"below the name of shared storages", "shared-x", nil, "shared_x"},
		{"nothing safe, twice", "日本", []string{"target"}, "target_2"},
		{"long", strings.Repeat("x", 300), nil, strings.Repeat("x", 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, config.Slug(tt.in, tt.taken))
		})
	}
}

func TestSlugsNeverRunIntoEachOther(t *testing.T) {
	t.Parallel()
	// Few letters, so that names collide.
	names := rapid.OneOf(rapid.StringOf(rapid.RuneFrom([]rune("ab-_2 é"))), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		taken := []string{"shared"}
		for i := range rapid.IntRange(1, 12).Draw(t, "targets") {
			name := names.Draw(t, fmt.Sprint("name ", i))
			slug := config.Slug(name, taken[1:])
			require.Equal(t, slug, config.Slug(name, taken[1:]), "not deterministic")
			require.Regexp(t, `^[A-Za-z0-9._-]{1,120}$`, slug)
			for _, other := range taken {
				require.NotEqual(t, other, slug)
				require.False(t, strings.HasPrefix(slug, other+"-"), "%q begins %q", other, slug)
				require.False(t, strings.HasPrefix(other, slug+"-"), "%q begins %q", slug, other)
			}
			taken = append(taken, slug)
		}
	})
}
