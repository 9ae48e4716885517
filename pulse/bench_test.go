package pulse

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// benched returns a monitor over a simulated estate in memory, with its clusters configured. Time stands still in the
// estate until it is moved.
func benched(b *testing.B, cfg sim.Config) (m *Monitor, move func()) {
	b.Helper()
	now := time.Now()
	cfg.InMemory = true
	cfg.Now = func() time.Time { return now }
	simulated, err := sim.New(cfg)
	require.NoError(b, err)
	require.NoError(b, simulated.Start(b.Context()))
	b.Cleanup(simulated.Stop)
	memory := store.NewMemory()
	m, err = New(Options{Store: memory, Keyring: config.NewKeyring(config.NewKey()), DialContext: simulated.DialContext})
	require.NoError(b, err)
	for _, cluster := range simulated.Clusters() {
		address, credential := cluster.URL(), cluster.Credentials[sim.Auditor]
		secret := config.NewSecret(credential.TokenSecret)
		_, err := m.AddTarget(b.Context(), estate.PVE, TargetPatch{
			Name: &cluster.Name, Address: &address, TokenID: &credential.TokenID, TokenSecret: &secret,
		})
		require.NoError(b, err)
	}
	require.NoError(b, m.Poll(b.Context()))
	b.Cleanup(func() {
		m.finish(context.WithoutCancel(b.Context()))
		require.NoError(b, memory.Close())
	})
	return m, func() { now = now.Add(10 * time.Second) }
}

// BenchmarkPass is one whole pass over a cluster: asking the simulated estate over TLS in memory, merging, encoding the
// rows that changed and publishing. The simulated estate's own work is in it.
func BenchmarkPass(b *testing.B) {
	for _, guests := range []int{100, 1000} {
		b.Run(fmt.Sprintf("guests=%d", guests), func(b *testing.B) {
			m, move := benched(b, sim.Config{Guests: guests})
			id := m.Snapshot().Targets[0].Config.ID
			b.ReportAllocs()
			for b.Loop() {
				move()
				m.read(b.Context(), id, false)
			}
			require.True(b, m.Snapshot().Targets[0].Observation.Poll.OK())
			require.Len(b, m.Snapshot().Targets[0].Observation.Guests, guests)
		})
	}
}

// BenchmarkPublish is what follows a reading that changed nothing: judging all targets and swapping the snapshot.
func BenchmarkPublish(b *testing.B) {
	for _, targets := range []int{50, 1000} {
		b.Run(fmt.Sprintf("targets=%d", targets), func(b *testing.B) {
			m, _ := benched(b, sim.Config{Guests: 1000})
			observed := m.order[0].obs
			r := &registry{targets: map[estate.TargetID]config.Target{}, settings: m.Settings()}
			for i := range targets {
				cfg := m.order[0].cfg
				cfg.ID, cfg.Slug = estate.NewTargetID(estate.PVE, i), fmt.Sprintf("t%d", i)
				r.targets[cfg.ID] = cfg
			}
			m.adopt(r, nil)
			for _, t := range m.order[:10] { // the others wait to be read
				t.obs = observed
				m.encode(t, time.Now())
			}
			b.ReportAllocs()
			for b.Loop() {
				m.judgeAgain()
			}
			require.Len(b, m.Snapshot().Targets, targets)
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	m, _ := benched(b, sim.Config{Guests: 1000})
	b.ReportAllocs()
	for b.Loop() {
		if m.Snapshot() == nil {
			b.Fatal("no snapshot")
		}
	}
}

// BenchmarkFlush is the write of one observation of 1,000 guests to the store in memory.
func BenchmarkFlush(b *testing.B) {
	m, _ := benched(b, sim.Config{Guests: 1000})
	b.ReportAllocs()
	for b.Loop() {
		next := *m.order[0].obs
		m.order[0].obs = &next
		require.True(b, m.flush(b.Context(), true))
	}
}

// BenchmarkContribute is what sharing one pass over 1,000 guests adds: what changed is encoded and committed to the store
// in memory, and read back as another process reads it.
func BenchmarkContribute(b *testing.B) {
	m, move := benched(b, sim.Config{Guests: 1000})
	t := m.order[0]
	before := t.obs
	mem, err := m.contribute(b.Context(), contribution{cfg: t.cfg, memory: t.memory, obs: before})
	require.NoError(b, err)
	move()
	m.read(b.Context(), t.cfg.ID, false)
	passes := []*estate.Observation{before, t.obs}
	t.memory = mem
	written := 0
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c := contribution{cfg: t.cfg, memory: mem, obs: passes[n%2]}
		written = max(written, len(c.patch()))
		mem, err = m.contribute(b.Context(), c)
		require.NoError(b, err)
		require.NoError(b, m.reread(b.Context(), t.cfg.ID))
	}
	b.ReportMetric(float64(written)/1000, "B/guest")
}
