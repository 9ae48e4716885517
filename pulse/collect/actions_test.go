package collect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestActionOf(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]action{
		"qmstart": actionChange, "qmstop": actionChange, "qmshutdown": actionChange, "qmreboot": actionChange,
		"qmsuspend": actionChange, "qmresume": actionChange, "qmrollback": actionChange, "qmreset": actionChange,
		"vzstart": actionChange, "vzshutdown": actionChange, "vzreboot": actionChange, "vzrollback": actionChange,
		"qmigrate": actionMigrate, "qmmigrate": actionMigrate, "vzmigrate": actionMigrate,
		"hamigrate": actionChange, "hastart": actionChange, "ha-stop": actionChange,
		"qmclone": actionClone, "vzclone": actionClone,
		"qmcreate": actionCreate, "qmrestore": actionCreate, "vzcreate": actionCreate, "vzrestore": actionCreate,
		"qmdestroy": actionDestroy, "vzdestroy": actionDestroy,
		"vzdump": actionNone, "vncproxy": actionNone, "qmsnapshot": actionNone, "startall": actionNone, "": actionNone,
	} {
		require.Equal(t, want, actionOf(kind), kind)
	}
}

func TestVMIDOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"100": 100, "vm:100": 100, "ct:7": 7, "": 0, "x": 0, "-3": 0, "vm:": 0, "100:extra": 0,
	} {
		require.Equal(t, want, vmidOf(text), text)
	}
	require.Equal(t, estate.VM, kindOf("qmigrate"))
	require.Equal(t, estate.Container, kindOf("vzstart"))
	require.Empty(t, kindOf("hamigrate"))
}
