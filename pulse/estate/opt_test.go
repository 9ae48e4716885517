package estate_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

type opts struct {
	Left  estate.Opt[int64]   `json:"left,omitzero"` // out of the document while unknown
	Kept  estate.Opt[float64] `json:"kept"`          // null while unknown
	Truth estate.Opt[bool]    `json:"truth,omitzero"`
}

func TestOptInJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     opts
		out      string
	}{
		{"absent is unknown", `{}`, opts{}, `{"kept":null}`},
		{"null is unknown", `{"left":null,"kept":null,"truth":null}`, opts{}, `{"kept":null}`},
		{
			"zero is known", `{"left":0,"kept":0,"truth":false}`,
			opts{estate.Some(int64(0)), estate.Some(0.0), estate.Some(false)},
			`{"left":0,"kept":0,"truth":false}`,
		},
		{
			"values", `{"left":9007199254740993,"kept":0.25,"truth":true}`,
			opts{estate.Some(int64(9007199254740993)), estate.Some(0.25), estate.Some(true)},
			`{"left":9007199254740993,"kept":0.25,"truth":true}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got opts
			require.NoError(t, json.Unmarshal([]byte(tt.in), &got))
			require.Equal(t, tt.want, got)
			out, err := json.Marshal(got)
			require.NoError(t, err)
			require.Equal(t, tt.out, string(out))
		})
	}
}

func TestOptForgetsOnNull(t *testing.T) {
	t.Parallel()
	o := estate.Some(7)
	require.NoError(t, json.Unmarshal([]byte("null"), &o))
	require.False(t, o.Known())
	require.Equal(t, estate.Opt[int]{}, o)
}

func TestOptKeepsItsValueOnAnError(t *testing.T) {
	t.Parallel()
	o := estate.Some(7)
	require.Error(t, json.Unmarshal([]byte(`"seven"`), &o))
	require.Equal(t, estate.Some(7), o)
}

func TestOptAccess(t *testing.T) {
	t.Parallel()
	var unknown estate.Opt[int]
	v, known := unknown.Get()
	require.Zero(t, v)
	require.False(t, known)
	require.True(t, unknown.IsZero())
	require.Equal(t, -1, unknown.Or(-1))

	zero := estate.Some(0)
	v, known = zero.Get()
	require.Zero(t, v)
	require.True(t, known)
	require.True(t, zero.Known())
	require.False(t, zero.IsZero())
	require.Equal(t, 0, zero.Or(-1))
	require.NotEqual(t, unknown, zero)
}

func TestOptSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := opts{}
		if rapid.Bool().Draw(t, "left known") {
			want.Left = estate.Some(rapid.Int64().Draw(t, "left"))
		}
		if rapid.Bool().Draw(t, "kept known") {
			want.Kept = estate.Some(rapid.Float64().Draw(t, "kept"))
		}
		data, err := json.Marshal(want)
		require.NoError(t, err)
		var got opts
		require.NoError(t, json.Unmarshal(data, &got))
		require.Equal(t, want, got)
	})
}
