package wire

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func guestRow(t *testing.T, g estate.Guest) object {
	t.Helper()
	key := map[estate.GuestKind]string{estate.VM: "vms", estate.Container: "containers"}[g.Kind]
	list := rows(t, publish(reading{pveTarget(0, "clu"), cluster(g)}).State(), key)
	require.Len(t, list, 1)
	return list[0]
}

func TestGuestStatus(t *testing.T) {
	t.Parallel()
	const stale, unknown = 30 * time.Second, 2 * time.Minute
	tests := []struct {
		name              string
		status            string
		age               time.Duration
		want, freshness   string
		observedAtIsShown bool
	}{
		{"running", "running", 0, "running", "live", false},
		{"stopped", "stopped", 0, "stopped", "live", false},
		{"paused", "paused", 0, "paused", "live", false},
		{"suspended", "suspended", 0, "suspended", "live", false},
		{"any other word", "io-error", 0, "io-error", "live", false},
		{"no word", "", 0, "unknown", "live", false},
		{"stale keeps its status", "running", stale, "running", "stale", true},
		{"too old to tell", "running", unknown, "unknown", "unknown", true},
		{"too old to be called stopped", "stopped", unknown, "unknown", "unknown", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := runningVM(100)
			g.Status, g.Seen = tt.status, agedSeen(tt.age)
			row := guestRow(t, g)
			require.Equal(t, tt.want, row["status"])
			require.Equal(t, tt.freshness, row["freshness"])
			if tt.observedAtIsShown {
				require.Equal(t, testNow.Add(-tt.age).Format(time.RFC3339Nano), row["observedAt"])
			} else {
				require.NotContains(t, row, "observedAt")
			}
		})
	}
}

func TestRepeatedReadingIsAsOldAsItsNumbers(t *testing.T) {
	t.Parallel()
	g := runningVM(100)
	g.Seen.Advanced = testNow.Add(-time.Minute)
	row := guestRow(t, g)
	require.Equal(t, "stale", row["freshness"])
	require.Equal(t, g.Seen.Advanced.Format(time.RFC3339Nano), row["observedAt"])
	require.Equal(t, testNow.Format(time.RFC3339Nano), row["lastSeen"])
}

func TestTemplatesAndLockedGuestsAreListedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	g := runningVM(9000)
	g.Status, g.Template, g.Lock, g.Pool, g.HAState = "stopped", true, "clone", "golden", "started"
	row := guestRow(t, g)
	require.Equal(t, true, row["template"])
	require.Equal(t, "clone", row["lock"])
	require.Equal(t, "golden", row["pool"])
	require.Equal(t, "started", row["haState"])
}

func TestNodeStatusAndHealth(t *testing.T) {
	t.Parallel()
	failed := estate.Poll{Reason: estate.ReasonTimeout, Error: "no answer", LastSuccess: testNow}
	failedLong := failed
	failedLong.LastSuccess = testNow.Add(-2 * time.Minute)
	partly := estate.Poll{LastSuccess: testNow, Unreachable: []string{"pve1"}}
	byAddress := estate.Poll{LastSuccess: testNow, Unreachable: []string{"10.0.0.1"}}
	tests := []struct {
		name                 string
		status               string
		age, still           time.Duration // since it was read, and since its numbers moved
		poll                 estate.Poll
		want, health, freshn string
	}{
		{"online", "online", 0, 0, goodPoll(), "online", "healthy", "live"},
		{"offline though its numbers stand still", "offline", 0, time.Hour, goodPoll(), "offline", "offline", "unknown"},
		{"offline just now", "offline", 10 * time.Second, 10 * time.Second, goodPoll(), "offline", "offline", "live"},
		{"offline for 2 minutes", "offline", 2 * time.Minute, 2 * time.Minute, goodPoll(), "offline", "offline", "unknown"},
		{"offline for 10 minutes", "offline", 10 * time.Minute, 10 * time.Minute, goodPoll(), "offline", "offline", "unknown"},
		{"offline, and then the target fails", "offline", time.Hour, time.Hour, failed, "offline", "error", "unknown"},
		{"offline, and the target fails for long", "offline", time.Hour, time.Hour, failedLong, "unknown", "error", "unknown"},
		{"pvestatd silent", "unknown", 0, 0, goodPoll(), "unknown", "stale", "live"},
		{"numbers stand still", "online", 0, time.Minute, goodPoll(), "online", "stale", "stale"},
		{"target fails", "online", 0, 0, failed, "online", "error", "live"},
		{"target fails for long", "online", time.Hour, time.Hour, failed, "unknown", "error", "unknown"},
		{"does not answer itself", "online", 0, 0, partly, "online", "unreachable", "live"},
		{"does not answer at its address", "online", 0, 0, byAddress, "online", "unreachable", "live"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := onlineNode("pve1")
			n.Status, n.Address = tt.status, "10.0.0.1"
			n.Seen = estate.Seen{At: testNow.Add(-tt.age), Advanced: testNow.Add(-tt.still)}
			o := &estate.Observation{Poll: tt.poll, Nodes: []estate.Node{n}}
			row := rows(t, publish(reading{pveTarget(0, "clu"), o}).State(), "nodes")[0]
			require.Equal(t, tt.want, row["status"])
			require.Equal(t, tt.health, row["connectionHealth"])
			require.Equal(t, tt.freshn, row["freshness"])
		})
	}
}

func TestStorageStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		enabled, active bool
		age             time.Duration
		want            string
	}{
		{"active", true, true, 0, "available"},
		{"not active", true, false, 0, "inactive"},
		{"disabled", false, false, 0, "disabled"},
		{"disabled, so that it is never read", false, false, time.Hour, "disabled"},
		{"too old to tell", true, true, time.Hour, "unknown"},
		{"stale", true, true, time.Minute, "available"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := localStorage("local", "pve1")
			s.Enabled, s.Active, s.Seen = tt.enabled, tt.active, agedSeen(tt.age)
			o := &estate.Observation{Poll: goodPoll(), Storages: []estate.Storage{s}}
			row := rows(t, publish(reading{pveTarget(0, "clu"), o}).State(), "storage")[0]
			require.Equal(t, tt.want, row["status"])
			require.Equal(t, tt.enabled, row["enabled"])
			require.Equal(t, tt.active, row["active"])
		})
	}
}

func TestServerAndConnection(t *testing.T) {
	t.Parallel()
	old := testNow.Add(-time.Hour)
	tests := []struct {
		name                         string
		obs                          *estate.Observation
		status, health, target, text string
		connected                    bool
	}{
		{"not read yet", nil, "unknown", "unhealthy", "pending", "", false},
		{"read", capturedServer(), "online", "healthy", "connected", "", true},
		{
			"fails from the start",
			&estate.Observation{Poll: estate.Poll{Reason: estate.ReasonUnauthorized, Error: "wrong token"}},
			"offline", "unhealthy", "disconnected", "wrong token", false,
		},
		{
			"fails now",
			withPoll(capturedServer(), estate.Poll{Reason: estate.ReasonTimeout, Error: "no answer", LastSuccess: testNow}),
			"offline", "unhealthy", "disconnected", "no answer", false,
		},
		{
			"a pass hangs",
			withPoll(capturedServer(), estate.Poll{LastSuccess: testNow.Add(-time.Minute)}),
			"online", "healthy", "degraded", "no reading has ended lately", true,
		},
		{
			"a pass hangs for long", withPoll(capturedServer(), estate.Poll{LastSuccess: old}),
			"offline", "unhealthy", "disconnected", "no reading has ended for long", false,
		},
		{
			"in part", withPoll(capturedServer(), estate.Poll{LastSuccess: testNow, Degraded: "no datastores"}),
			"online", "healthy", "degraded", "no datastores", true,
		},
		{
			"without a member", withPoll(capturedServer(), estate.Poll{LastSuccess: testNow, Unreachable: []string{"a", "b"}}),
			"online", "healthy", "degraded", "no answer from a, b", true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := publish(reading{pbsTarget(0, "pbs1"), tt.obs})
			row := rows(t, s.State(), "pbs")[0]
			require.Equal(t, tt.status, row["status"])
			require.Equal(t, tt.health, row["connectionHealth"])
			entry := rows(t, s.State(), "targets")[0]
			require.Equal(t, tt.target, entry["status"])
			require.Equal(t, "pbs-0", entry["id"])
			if tt.text == "" {
				require.NotContains(t, row, "error")
				require.NotContains(t, entry, "error")
			} else {
				require.Equal(t, tt.text, row["error"])
				require.Equal(t, tt.text, entry["error"])
			}
			require.Equal(t, object{"pbs-pbs1": tt.connected}, decode(t, s.State().Plain())["connectionHealth"])
			c := JudgeConnection(tt.obs, testHorizon, testNow)
			require.Equal(t, tt.target, string(c.Status))
			require.Equal(t, tt.text, c.Error)
		})
	}
}

func withPoll(o *estate.Observation, p estate.Poll) *estate.Observation {
	o.Poll = p
	return o
}

func TestServerVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"": "unknown", "3": "3", "3.4": "3.4", "3.4.1": "3.4", "4.0.11-2": "4.0"} {
		require.Equal(t, want, shortVersion(version), version)
	}
}

func TestDatastoreStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  func(d *estate.Datastore)
		want string
	}{
		{"in use", func(*estate.Datastore) {}, "available"},
		{"maintenance", func(d *estate.Datastore) { d.Maintenance, d.Error = "offline: disks", "in maintenance" }, "maintenance"},
		{"removable and away", func(d *estate.Datastore) { d.MountStatus = "notmounted" }, "unavailable"},
		{"mounted", func(d *estate.Datastore) { d.MountStatus = "mounted" }, "available"},
		{"not readable", func(d *estate.Datastore) { d.Error = "permission denied" }, "error"},
		{"too old to tell", func(d *estate.Datastore) { d.Seen = agedSeen(time.Hour) }, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := capturedServer()
			tt.set(&o.Server.Datastores[0])
			row := rows(t, publish(reading{pbsTarget(0, "pbs1"), o}).State(), "pbs")[0]
			require.Equal(t, tt.want, row["datastores"].([]any)[0].(object)["status"])
		})
	}
}

func TestTargetsTellTheCluster(t *testing.T) {
	t.Parallel()
	o := cluster()
	o.Cluster = estate.Cluster{Name: "prod", Version: "9.2.1", Quorate: some(false)}
	o.Poll.FailedSince, o.Poll.Reason, o.Poll.Error = testNow.Add(-time.Minute), estate.ReasonTLS, "another certificate"
	entry := rows(t, publish(reading{pveTarget(3, "clu"), o}).State(), "targets")[0]
	require.Equal(t, object{
		"id": "pve-3", "name": "clu", "type": "pve", "status": "disconnected", "error": "another certificate",
		"reason": "tls", "lastSuccess": testNow.Format(time.RFC3339Nano),
		"failedSince": testNow.Add(-time.Minute).Format(time.RFC3339Nano),
		"cluster":     "prod", "version": "9.2.1", "quorate": false,
	}, entry)
}

// Two targets may have one name; the entry under it must not call the failing one healthy.
func TestConnectionHealthOfEqualNames(t *testing.T) {
	t.Parallel()
	bad := withPoll(cluster(), estate.Poll{Reason: estate.ReasonFailed, Error: "no"})
	for _, order := range [][2]*estate.Observation{{cluster(), bad}, {bad, cluster()}} {
		second := pveTarget(1, "clu")
		second.Slug = "clu2"
		s := publish(reading{pveTarget(0, "clu"), order[0]}, reading{second, order[1]})
		require.Equal(t, object{"clu": false}, decode(t, s.State().Plain())["connectionHealth"])
	}
}
