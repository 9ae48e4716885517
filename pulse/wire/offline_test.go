package wire

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// offlineCluster has a guest, a local storage and a node that were last seen some time ago, when the node went offline.
func offlineCluster(ago time.Duration) *estate.Observation {
	o := cluster(runningVM(100))
	seen := estate.Seen{At: testNow.Add(-ago), Advanced: testNow.Add(-ago)}
	o.Nodes[0].Status, o.Nodes[0].Seen = estate.NodeOffline, seen
	o.Guests[0].Seen = seen
	o.Storages[0].Seen, o.Storages[0].Active = seen, false
	return o
}

func TestWhatIsOnAnOfflineNodeIsStaleAtOnceAndSoonUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                            string
		ago                             time.Duration
		guest, storage, freshness, node string
	}{
		{"at once", 10 * time.Second, "running", "inactive", "stale", "live"},
		{"soon", 26 * time.Second, "unknown", "unknown", "stale", "stale"},
		{"after 2 minutes", 2 * time.Minute, "unknown", "unknown", "unknown", "unknown"},
		{"after 10 minutes", 10 * time.Minute, "unknown", "unknown", "unknown", "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state := publish(reading{pveTarget(0, "clu"), offlineCluster(tt.ago)}).State()
			guest, storages, node := rows(t, state, "vms")[0], rows(t, state, "storage"), rows(t, state, "nodes")[0]
			require.Equal(t, []any{tt.guest, tt.freshness}, []any{guest["status"], guest["freshness"]})
			require.InEpsilon(t, 0.5, guest["cpu"], 1e-9, "the last known number")
			require.Equal(t, testNow.Add(-tt.ago).Format(time.RFC3339Nano), guest["observedAt"])
			require.Equal(t, []any{"offline", "offline", tt.node},
				[]any{node["status"], node["connectionHealth"], node["freshness"]})
			for _, s := range storages {
				switch s["node"] {
				case "pve1":
					require.Equal(t, []any{tt.storage, tt.freshness}, []any{s["status"], s["freshness"]})
				default:
					require.Equal(t, []any{"available", "live"}, []any{s["status"], s["freshness"]}, s["node"])
				}
			}
		})
	}
}

// Nobody reads the target in between: the words change with time alone.
func TestWhatIsOnAnOfflineNodeGrowsUnknownByItself(t *testing.T) {
	t.Parallel()
	e := NewEncoder()
	o := offlineCluster(10 * time.Second)
	e.Update(pveTarget(0, "clu"), o, testNow)
	first := e.Publish(testNow, Stats{})
	require.Equal(t, "running", rows(t, first.State(), "vms")[0]["status"])
	later := testNow.Add(16 * time.Second)
	next := e.Publish(later, Stats{})
	require.Equal(t, "unknown", rows(t, next.State(), "vms")[0]["status"])
	require.Equal(t, "offline", rows(t, next.State(), "nodes")[0]["status"])
	require.Greater(t, next.StatusRevision, first.StatusRevision)

	moved := *o
	moved.Guests = []estate.Guest{o.Guests[0]}
	moved.Guests[0].Node, moved.Guests[0].Seen = "pve2", estate.Seen{At: later, Advanced: later}
	moved.Poll.LastSuccess = later
	e.Update(pveTarget(0, "clu"), &moved, later)
	guest := rows(t, e.Publish(later, Stats{}).State(), "vms")[0]
	require.Equal(t, []any{"running", "live"}, []any{guest["status"], guest["freshness"]}, "HA started it elsewhere")
}

func TestMembersSeenOfflineWithoutQuorumAreNotLive(t *testing.T) {
	t.Parallel()
	o := offlineCluster(0)
	o.Cluster.Quorate = estate.Some(false)
	node := rows(t, publish(reading{pveTarget(0, "clu"), o}).State(), "nodes")
	require.Equal(t, []any{"offline", "stale", "stale"},
		[]any{node[0]["status"], node[0]["connectionHealth"], node[0]["freshness"]})
	require.Equal(t, "live", node[1]["freshness"])
	o = offlineCluster(2 * time.Minute)
	o.Cluster.Quorate = estate.Some(false)
	require.Equal(t, "unknown", rows(t, publish(reading{pveTarget(0, "clu"), o}).State(), "nodes")[0]["status"])
}
