package estate

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ObservationVersion is the version of the stored form. Older ones are migrated when they are read.
const ObservationVersion = 1

// Observation is everything known about one target at one time, and how well it is known.
type Observation struct {
	Version int      `json:"version"`
	Target  TargetID `json:"target"`

	Poll Poll `json:"poll"` // how the latest pass went

	// Of a PVE target.
	Cluster  Cluster   `json:"cluster,omitzero"`
	Nodes    []Node    `json:"nodes,omitempty"`    // sorted by name
	Guests   []Guest   `json:"guests,omitempty"`   // sorted by VMID
	Storages []Storage `json:"storages,omitempty"` // sorted by name, then node; shared ones first

	// Of a PBS target; nil until it answered once.
	Server *Server `json:"server,omitempty"`

	// Permissions are what the credential may not see, as last asked.
	Permissions Permissions `json:"permissions,omitzero"`

	// Reads holds when each slow reading was last tried, by a name of the collector's own, so that any
	// process can go on where another one stopped.
	Reads map[string]time.Time `json:"reads,omitempty"`
	// Tasks is how far the target's task list has been followed.
	Tasks TaskMark `json:"tasks,omitzero"`
}

// Cluster is what a PVE target says about itself as a whole.
type Cluster struct {
	Name    string    `json:"name,omitempty"` // empty for a single host
	Version string    `json:"version,omitempty"`
	Quorate Opt[bool] `json:"quorate,omitzero"` // unknown for a single host, and without Sys.Audit on /
	At      time.Time `json:"at,omitzero"`      // when the above was read
}

// Permissions tells which parts of a target its credential cannot see.
type Permissions struct {
	At      time.Time `json:"at,omitzero"`
	Missing []Missing `json:"missing,omitempty"`
}

// Missing is one privilege that the credential lacks, and what stays hidden without it.
type Missing struct {
	Privilege string `json:"privilege"`     // as Sys.Audit
	Path      string `json:"path"`          // as /
	Hides     string `json:"hides"`         // in words for people
	Fix       string `json:"fix,omitempty"` // a command that grants it
}

// TaskMark is a position in a target's task list.
type TaskMark struct {
	// Since is the newest start or end time among the tasks already dealt with.
	Since time.Time `json:"since,omitzero"`
	// Seen are the UPIDs, with a "+" behind those seen ended, that lie close to Since.
	Seen []string `json:"seen,omitempty"`
}

// Reason is why a pass failed, as one word for programs.
type Reason string

// The reasons for a failed pass. An empty Reason means that it succeeded.
const (
	ReasonUnreachable  Reason = "unreachable"  // no member answered: name, route, refused connection
	ReasonTimeout      Reason = "timeout"      // connected, but no answer in time
	ReasonUnauthorized Reason = "unauthorized" // wrong, unknown or expired credentials
	ReasonForbidden    Reason = "forbidden"    // a privilege is missing
	ReasonTLS          Reason = "tls"          // the certificate is not the trusted one
	ReasonNotProxmox   Reason = "not-proxmox"  // something else answers there
	ReasonFailed       Reason = "failed"       // Proxmox answered with an error
)

// Poll is how the latest pass over a target went.
type Poll struct {
	Started time.Time     `json:"started,omitzero"`
	Ended   time.Time     `json:"ended,omitzero"`
	Via     string        `json:"via,omitempty"` // the member that answered
	Took    time.Duration `json:"took,omitempty"`
	// Requests is how many requests the pass made.
	Requests int `json:"requests,omitempty"`

	Reason      Reason    `json:"reason,omitempty"`      // empty on success
	Error       string    `json:"error,omitempty"`       // the same as one sentence for people, without secrets
	Failures    int       `json:"failures,omitempty"`    // passes that failed in a row
	FailedSince time.Time `json:"failedSince,omitzero"`  // when the first of them ended
	LastSuccess time.Time `json:"lastSuccess,omitzero"`  // when the last good pass ended; zero before any
	ClockSkew   Skew      `json:"clockSkew,omitzero"`    // the target's clock against this machine's
	Degraded    string    `json:"degraded,omitempty"`    // what part failed while the whole succeeded
	Unreachable []string  `json:"unreachable,omitempty"` // members that did not answer while others did
}

// OK tells whether the latest pass succeeded.
func (p Poll) OK() bool { return p.Reason == "" && !p.LastSuccess.IsZero() }

// Skew is how far a target's clock is ahead of this machine's (negative: behind), to about a second.
type Skew time.Duration

// Node returns the node with a name, or nil.
func (o *Observation) Node(name string) *Node {
	i, ok := slices.BinarySearchFunc(o.Nodes, name, func(n Node, name string) int {
		return strings.Compare(n.Name, name)
	})
	if !ok {
		return nil
	}
	return &o.Nodes[i]
}

// Guest returns the guest with a VMID, or nil.
func (o *Observation) Guest(vmid int) *Guest {
	i, ok := slices.BinarySearchFunc(o.Guests, vmid, func(g Guest, vmid int) int { return cmp.Compare(g.VMID, vmid) })
	if !ok {
		return nil
	}
	return &o.Guests[i]
}
