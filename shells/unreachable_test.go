package shells

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
)

// redisAnswer is an error as Redis gives one.
type redisAnswer string

func (e redisAnswer) Error() string { return string(e) }
func (redisAnswer) RedisError()     {}

// starting is an error as a store gives one that is about to work.
type starting struct{}

func (starting) Error() string   { return "is still loading" }
func (starting) Temporary() bool { return true }

func TestUnreachableIsWhatMayPassByItself(t *testing.T) {
	t.Parallel()
	_, noFile := os.Open("/nonexistent")
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{&net.DNSError{Err: "no such host"}, true},
		{os.NewSyscallError("read", syscall.ECONNRESET), true},
		{starting{}, true},
		{pulse.ErrUnavailable, true},
		{context.DeadlineExceeded, true},
		{io.EOF, true},
		{redisAnswer("LOADING Redis is loading the dataset in memory"), true},
		{redisAnswer("CLUSTERDOWN The cluster is down"), true},
		{redisAnswer("WRONGPASS invalid username-password pair"), false},
		{redisAnswer("NOPERM this user has no permissions"), false},
		{config.ErrWrongKey, false},
		{&SettingError{Env: "PULSE_STORE", Reason: "is required"}, false},
		{noFile, false},
		{fs.ErrNotExist, false},
		{errors.New("LOADING"), false},
	} {
		require.Equal(t, tt.want, Unreachable(fmt.Errorf("open: %w", tt.err)), "%v", tt.err)
	}
}
