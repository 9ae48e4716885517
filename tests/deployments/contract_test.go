package deployments

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryDeploymentKeepsTheContract sends every deployment the same requests, and compares the answers.
func TestEveryDeploymentKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := newStanding(t)
	var mu sync.Mutex
	visits := map[string]*visit{}
	t.Run("deployments", func(t *testing.T) {
		for name, start := range everyDeployment() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				v := newVisit(t, start(t, s), s)
				v.changes()
				v.guards()
				v.opensAll()
				v.reads()
				v.refuses()
				if !v.function {
					v.follows()
				}
				fronts := v.throughEachFront()
				mu.Lock()
				defer mu.Unlock()
				visits[name] = v
				for _, f := range fronts {
					visits[f.name] = f
				}
			})
		}
	})
	first := visits["standalone"]
	require.NotNil(t, first)
	for name, v := range visits {
		require.Equal(t, len(v.kept), same(t, first, v), "%s was asked what the other was not", name)
	}
	require.Len(t, visits, len(everyDeployment())+5)
}

// throughEachFront asks a function again what changes nothing, behind one of its fronts after the other.
func (v *visit) throughEachFront() (visits []*visit) {
	for front, url := range v.fronts {
		v.Run(string(front), func(t *testing.T) {
			d := v.deployment
			d.name, d.url = string(front), url
			f := newVisit(t, d, v.estate)
			f.revision = v.revision
			f.guards()
			f.reads()
			f.refuses()
			visits = append(visits, f)
		})
	}
	return visits
}
