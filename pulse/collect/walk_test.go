package collect

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// walk drives a collector over a simulated estate on the clock of a synctest bubble, as a monitor does: a full pass every
// interval and a look at the task list every two seconds in between.
type walk struct {
	t         *testing.T
	estate    *sim.Estate
	cluster   sim.ClusterInfo
	collector *Collector
	obs       *estate.Observation
	next      time.Time
}

const (
	testInterval = 10 * time.Second
	testLook     = 2 * time.Second
)

func newWalk(t *testing.T, cfg sim.Config, role sim.Role) *walk {
	t.Helper()
	cfg.InMemory = true
	e, err := sim.New(cfg)
	require.NoError(t, err)
	cluster := e.Clusters()[0]
	w := &walk{t: t, estate: e, cluster: cluster}
	w.collector = newTestCollector(t, e, proxmox.PVE, cluster.URL(), cluster.Credentials[role])
	return w
}

func newTestCollector(t *testing.T, e *sim.Estate, kind proxmox.Kind, address string, who sim.Credential, known ...proxmox.Member) *Collector {
	t.Helper()
	client, err := proxmox.New(proxmox.Options{
		Kind: kind, Address: address,
		Credential:   proxmox.Credential{TokenID: who.TokenID, TokenSecret: proxmox.Secret(who.TokenSecret)},
		Trust:        proxmox.Trust{Known: known},
		RoundTripper: func(string) http.RoundTripper { return e },
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return New(Options{
		Target: estate.NewTargetID(estate.TargetKind(kind), 0), Client: client, Account: who.TokenID,
		Collect: config.CollectAll(estate.TargetKind(kind)), Interval: testInterval,
	})
}

// pass makes one full pass now.
func (w *walk) pass() *estate.Observation {
	w.t.Helper()
	w.obs = w.collector.Collect(w.t.Context(), w.obs)
	requireSound(w.t, w.obs)
	w.next = time.Now().Add(testInterval)
	return w.obs
}

// look follows the task list once.
func (w *walk) look() bool {
	w.t.Helper()
	next, changed, err := w.collector.Watch(w.t.Context(), w.obs)
	require.NoError(w.t, err)
	if !changed {
		require.Same(w.t, w.obs, next)
	}
	requireSound(w.t, next)
	w.obs = next
	return changed
}

// run lets time pass with looks and passes at their times.
func (w *walk) run(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(testLook)
		if time.Now().Before(w.next) {
			_, _, _ = w.lookQuietly()
			continue
		}
		w.pass()
	}
}

// lookQuietly looks and takes what comes, also nothing from a target that is down.
func (w *walk) lookQuietly() (*estate.Observation, bool, error) {
	next, changed, err := w.collector.Watch(w.t.Context(), w.obs)
	w.obs = next
	return next, changed, err
}

func (w *walk) guest(vmid int) *estate.Guest {
	w.t.Helper()
	g := w.obs.Guest(vmid)
	require.NotNil(w.t, g, "guest %d", vmid)
	return g
}

func (w *walk) requests() (total int, byPath map[string]int) {
	byPath = w.estate.RequestCounts(w.cluster.Name)
	for _, n := range byPath {
		total += n
	}
	return total, byPath
}

// firstGuest returns the live truth of the first guest that fits.
func (w *walk) firstGuest(fits func(sim.Guest) bool) sim.Guest {
	w.t.Helper()
	guests, err := w.estate.Guests(w.cluster.Name)
	require.NoError(w.t, err)
	for _, g := range guests {
		if fits(g) {
			return g
		}
	}
	require.FailNow(w.t, "no guest fits")
	return sim.Guest{}
}

func runningVM(g sim.Guest) bool { return g.Type == "qemu" && g.Status == "running" && !g.Template }

func otherNode(c sim.ClusterInfo, name string) string {
	for _, n := range c.Nodes {
		if n.Name != name {
			return n.Name
		}
	}
	return ""
}
