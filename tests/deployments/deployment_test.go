package deployments

import (
	"testing"
	"time"

	"github.com/proxpulse/proxpulse/tests/lab"
	"github.com/proxpulse/proxpulse/tests/lab/labtest"
)

// The token and the limit of everything that is waited for, which a loaded machine keeps.
const (
	apiToken = "xyzzy-7f3a91c05be2-plugh"
	limit    = 2 * time.Minute
)

// deployment is a Pulse that runs somehow, and how it is reached.
type deployment struct {
	name string
	url  string
	// function tells that it keeps no connections and polls on a schedule.
	function bool
	// several tells that requests reach one process and then another.
	several bool
	// fronts are the ways in that url takes in turns; only a function has several.
	fronts map[lab.Front]string
}

// everyDeployment are all ways to run Pulse.
func everyDeployment() map[string]func(*testing.T, *standing) deployment {
	return map[string]func(*testing.T, *standing) deployment{
		"standalone": standalone, "replicas": replicas, "function": function, "embedded": embedded,
	}
}

// standalone keeps its data in SQLite.
func standalone(t *testing.T, s *standing) deployment {
	t.Helper()
	return deployment{name: "standalone", url: startPulse(t, s, lab.PulseOptions{Dir: t.TempDir()})}
}

func startPulse(t *testing.T, s *standing, o lab.PulseOptions) string {
	t.Helper()
	o.Token, o.Targets = apiToken, s.targets
	return labtest.Pulse(t, lab.Programs{Pulse: programs.standalone}, o).URL
}

// embedded keeps its data in memory.
func embedded(t *testing.T, s *standing) deployment {
	t.Helper()
	args := []string{"-listen", "127.0.0.1:0", "-token", apiToken, "-targets", s.targets}
	p := labtest.Pulse(t, lab.Programs{Pulse: programs.embedded}, lab.PulseOptions{Args: args})
	return deployment{name: "embedded", url: p.URL}
}
