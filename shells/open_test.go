package shells

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/store"
)

func openWith(t *testing.T, e env, parts Parts) *Pulse {
	t.Helper()
	p, err := Open(t.Context(), e.get, parts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func status(t *testing.T, p *Pulse, path, token string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
	if token != "" {
		req.Header.Set("X-API-Token", token)
	}
	w := httptest.NewRecorder()
	p.API.ServeHTTP(w, req)
	return w.Code
}

func TestOpenPutsEverythingTogether(t *testing.T) {
	t.Parallel()
	open := openWith(t, env{"PULSE_STORE": "memory:"}, testParts())
	require.False(t, open.Guarded)
	require.Equal(t, http.StatusOK, status(t, open, "/api/state", ""))

	guarded := openWith(t, env{"PULSE_STORE": "memory:", "API_TOKEN": "correct"}, testParts())
	require.True(t, guarded.Guarded)
	require.Equal(t, http.StatusUnauthorized, status(t, guarded, "/api/state", ""))
	require.Equal(t, http.StatusOK, status(t, guarded, "/api/state", "correct"))
	require.Equal(t, http.StatusOK, status(t, guarded, "/api/health", ""))
}

func TestOpenReportsAllBadSettingsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), env{"PORT": "x", "LOG_LEVEL": "x", "PULSE_STORE": "x"}.get, testParts())
	require.EqualError(t, err, "PORT (--listen): want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655\n"+
		"LOG_LEVEL (--log-level): want debug, info, warn or error\n"+
		"PULSE_STORE (--store): is not a store that this program has; it has file:, memory:, server:")
}

func TestOpenMakesTheDataDirectoryForItsUserOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	p := openWith(t, env{"PULSE_DATA_DIR": dir}, testParts())
	require.Equal(t, filepath.Join(dir, "pulse.db"), p.Store)
	require.Equal(t, filepath.Join(dir, ".encryption.key"), p.Key)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestOpenTellsOfADirectoryThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := writeFile(t, t.TempDir(), "file", "")
	_, err := Open(t.Context(), env{"PULSE_DATA_DIR": filepath.Join(file, "data")}.get, testParts())
	require.EqualError(t, err, "cannot make the data directory: mkdir "+file+": not a directory")
}

// onServer gives parts whose stores all open the same data.
func onServer(data *store.Memory) Parts {
	parts := testParts()
	parts.Stores["server"] = StoreKind{Shared: true, Open: func(context.Context, string) (store.Store, error) {
		return data.Replica(), nil
	}}
	return parts
}

func TestWrongKeyStopsTheStartAndChangesNothing(t *testing.T) {
	t.Parallel()
	data := store.NewMemory()
	right, wrong := config.NewKey().Encode(), config.NewKey().Encode()
	openWith(t, env{"PULSE_STORE": "server:", "PULSE_ENCRYPTION_KEY": right}, onServer(data))
	before, err := data.Heads(t.Context(), "system")
	require.NoError(t, err)

	_, err = Open(t.Context(), env{"PULSE_STORE": "server:", "PULSE_ENCRYPTION_KEY": wrong}.get, onServer(data))
	require.EqualError(t, err, "the encryption key (PULSE_ENCRYPTION_KEY) does not open what is stored in server:; "+
		"nothing was changed. Put the former key back, or give it in PULSE_ENCRYPTION_KEY_PREVIOUS")
	after, err := data.Heads(t.Context(), "system")
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestKeyIsReplacedByNamingTheFormerOne(t *testing.T) {
	t.Parallel()
	data := store.NewMemory()
	former, present := config.NewKey().Encode(), config.NewKey().Encode()
	e := env{"PULSE_STORE": "server:", "PULSE_ENCRYPTION_KEY": former, "PULSE_TARGETS_DATA": oneTarget}
	openWith(t, e, onServer(data))
	e["PULSE_ENCRYPTION_KEY"], e["PULSE_ENCRYPTION_KEY_PREVIOUS"] = present, former
	openWith(t, e, onServer(data))
	delete(e, "PULSE_ENCRYPTION_KEY_PREVIOUS")
	p := openWith(t, e, onServer(data))
	require.Len(t, p.Monitor.Snapshot().Targets, 1)
}

const oneTarget = "targets: [{type: pve, name: home, host: pve1.example.com, user: monitor@pve, password: hunter2}]"

func TestDeclaredTargetsReachTheMonitorAndTheirSecretsNoLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	parts := testParts()
	parts.Log = &log
	e := env{
		"PULSE_STORE": "memory:", "PULSE_TARGETS_DATA": oneTarget, "LOG_LEVEL": "debug", "LOG_FORMAT": "json",
		"API_TOKEN": "correct-horse",
	}
	p := openWith(t, e, parts)
	targets := p.Monitor.Snapshot().Targets
	require.Len(t, targets, 1)
	require.Equal(t, "https://pve1.example.com:8006", targets[0].Config.Address)
	require.Equal(t, http.StatusOK, status(t, p, "/api/config/nodes?token=correct-horse", ""))
	require.Equal(t, http.StatusUnauthorized, status(t, p, "/api/config/nodes?token=battery-staple", ""))
	require.Contains(t, log.String(), `"level":"DEBUG"`)
	for _, secret := range []string{"hunter2", "correct-horse", "battery-staple"} {
		require.NotContains(t, log.String(), secret)
	}
}

func TestStoreIsClosedWhenTheRestCannotBeOpened(t *testing.T) {
	t.Parallel()
	data := store.NewMemory()
	replica := data.Replica()
	parts := testParts()
	parts.Stores["server"] = StoreKind{Open: func(context.Context, string) (store.Store, error) { return replica, nil }}
	openWith(t, env{"PULSE_STORE": "server:", "PULSE_ENCRYPTION_KEY": config.NewKey().Encode()}, onServer(data))
	_, err := Open(t.Context(), env{"PULSE_STORE": "server:", "PULSE_ENCRYPTION_KEY": config.NewKey().Encode()}.get, parts)
	require.Error(t, err)
	_, err = replica.Heads(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
}

func TestOpenTellsWhatAStoreSays(t *testing.T) {
	t.Parallel()
	parts := testParts()
	parts.Stores["file"] = StoreKind{File: "pulse.db", Open: func(context.Context, string) (store.Store, error) {
		return nil, errors.New("store file /x is damaged")
	}}
	_, err := Open(t.Context(), env{"PULSE_DATA_DIR": t.TempDir()}.get, parts)
	require.EqualError(t, err, "store file /x is damaged")
}
