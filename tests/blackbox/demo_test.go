package blackbox

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

func TestDemoShowsAnEstate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start(lab.PulseOptions{Dir: t.TempDir(), Args: []string{"--demo"}})
	st := s.await(p, "the estate", func(st state) error {
		if len(st.Nodes) != 4 || len(st.guests()) != 23 || len(st.PBS) != 1 || len(st.PBS[0].Datastores) != 2 {
			return fmt.Errorf("%d nodes, %d guests, %d backup servers", len(st.Nodes), len(st.guests()), len(st.PBS))
		}
		return nil
	})
	for _, n := range st.Nodes {
		require.Equal(t, "online live", n.Status+" "+n.Freshness, n.ID)
	}
	require.NoError(t, p.AwaitReady(t.Context()))
	labtest.Await(t, "a warning that the API is open", func(context.Context) error {
		if !strings.Contains(p.Log(), "API is open") {
			return fmt.Errorf("it is not in the log")
		}
		return nil
	})
}
