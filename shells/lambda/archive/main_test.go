package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/proxpulse/proxpulse/"

// TestFunctionsLinkNothingTheyDoNotUse holds the functions small: what only a standalone Pulse needs is not in them.
func TestFunctionsLinkNothingTheyDoNotUse(t *testing.T) {
	t.Parallel()
	for name, source := range programs {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", "../../../"+strings.TrimPrefix(source, "./"))
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
		out, err := cmd.Output()
		require.NoError(t, err)
		linked := strings.Fields(string(out))
		require.Contains(t, linked, module+"pulse/store/redisstore", name)
		require.Contains(t, linked, "github.com/aws/aws-lambda-go/lambda", name)
		for _, path := range linked {
			for _, not := range []string{
				"modernc.org/", module + "pulse/store/sqlitestore", module + "pulse/dashboard", module + "pulse/metrics",
				module + "pulse/update", module + "pulse/proxmox/sim", "github.com/prometheus/", "github.com/alecthomas/kong",
				"github.com/nicholas-fedor/shoutrrr", "github.com/wneessen/go-mail", "github.com/stretchr/", "net/rpc",
			} {
				require.False(t, strings.HasPrefix(path+"/", not) || strings.HasPrefix(path, not), "%s links %s", name, path)
			}
			if name == "pulse-poller" {
				require.False(t, strings.HasPrefix(path, "github.com/awslabs/"), "%s links %s", name, path)
			}
		}
	}
}

func TestTheSameProgramGivesTheSameArchive(t *testing.T) {
	t.Parallel()
	program := bytes.Repeat([]byte("a program "), 1000)
	first, err := pack(program)
	require.NoError(t, err)
	second, err := pack(program)
	require.NoError(t, err)
	require.Equal(t, first, second)

	archive, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	require.NoError(t, err)
	require.Len(t, archive.File, 1)
	file := archive.File[0]
	require.Equal(t, "bootstrap", file.Name)
	require.Equal(t, os.FileMode(0o755), file.Mode())
	require.Equal(t, 1980, file.Modified.Year())
	content, err := file.Open()
	require.NoError(t, err)
	unpacked, err := io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, program, unpacked)
}

// TestBuildingTwiceGivesTheSameBytes builds one of the functions twice, in different directories.
func TestBuildingTwiceGivesTheSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("it links programs")
	}
	t.Parallel()
	var archives [2][]byte
	for i := range archives {
		dir := t.TempDir()
		path := filepath.Join(dir, "pulse-lambda-arm64.zip")
		binary, size, err := build(t.Context(), module+"shells/lambda", "arm64", "v5.0.0", path)
		require.NoError(t, err)
		archives[i], err = os.ReadFile(path)
		require.NoError(t, err)
		require.Len(t, archives[i], int(size))
		require.Greater(t, binary, size)
	}
	require.True(t, bytes.Equal(archives[0], archives[1]))
}

func TestBadArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	require.EqualError(t, run(t.Context(), nil, io.Discard), "want one directory to write the archives to")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, run(t.Context(), []string{file}, io.Discard))
	_, _, err := build(t.Context(), module+"shells/none", "arm64", "", filepath.Join(t.TempDir(), "x.zip"))
	require.ErrorContains(t, err, "go build")
}
