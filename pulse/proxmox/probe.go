package proxmox

import "time"

// ProbeResult is what a successful [Probe] found.
type ProbeResult struct {
	Kind Kind
	// Address is the normalized base URL.
	Address string
	Version Version
	// ClusterName is empty for a single host and for PBS.
	ClusterName string
	// Nodes are sorted by name; for PBS the one host is not listed.
	Nodes []ProbeNode
	// Fingerprint is of the certificate the address offered; zero where the connection was not TLS of this client.
	Fingerprint Fingerprint
	// TrustedBy says why the certificate was accepted.
	TrustedBy TrustedBy
	// Abilities say what the credential may and may not see.
	Abilities []Ability
	// Members and CA were learned on the way, see [Learned].
	Learned Learned
	// ClockSkew is the server's clock minus this machine's, to the second.
	ClockSkew Opt[time.Duration]
}

// ProbeNode is a node of a probed cluster.
type ProbeNode struct {
	Name   string
	Online bool
}

// TrustedBy is why a certificate was accepted.
type TrustedBy string

// The reasons.
const (
	// TrustedByFingerprint means it has the fingerprint the user gave.
	TrustedByFingerprint TrustedBy = "fingerprint"
	// TrustedBySystem means the system's authorities vouch for it.
	TrustedBySystem TrustedBy = "system"
	// TrustedByPin means it is the one seen at first contact.
	TrustedByPin TrustedBy = "pin"
	// TrustedByCluster means the cluster's own authority signed it, or a trusted member named it.
	TrustedByCluster TrustedBy = "cluster"
	// TrustedByNobody means verification is off.
	TrustedByNobody TrustedBy = "nobody"
)

// Ability is something Pulse can show, and whether the credential suffices for it.
type Ability struct {
	// Name is a short stable word, such as "guests" or "guest-agent".
	Name string
	// Title is the same for people.
	Title string
	// Granted tells that the right is there.
	Granted bool
	// Partial tells that it is there for some objects only.
	Partial bool
	// Path and Privilege say what is needed where; alternatives are separated by "|".
	Path      string
	Privilege string
	// Command grants it, to be run on the Proxmox host; empty when Granted.
	Command string
}

// ProbeStage names what failed.
type ProbeStage string

// The stages.
const (
	StageAddress     ProbeStage = "address"
	StageDNS         ProbeStage = "dns"
	StageRefused     ProbeStage = "refused"
	StageTimeout     ProbeStage = "timeout"
	StageConnect     ProbeStage = "connect"
	StageTLS         ProbeStage = "tls"
	StageCredentials ProbeStage = "credentials"
	StagePrivilege   ProbeStage = "privilege"
	StageNotProxmox  ProbeStage = "not-proxmox"
	StageWrongKind   ProbeStage = "wrong-kind"
	StageServer      ProbeStage = "server"
)

// ProbeError is a failed [Probe]. Its text is one sentence for people.
type ProbeError struct {
	Stage    ProbeStage
	Sentence string
	// Offered and Expected are set for [StageTLS].
	Offered  Fingerprint
	Expected Fingerprint
	// Privilege, Path and Command are set for [StagePrivilege]; the command is to be run on the Proxmox host.
	Privilege string
	Path      string
	Command   string
	// Cause is the error behind it.
	Cause error
}

// Error returns the sentence.
func (e *ProbeError) Error() string { return e.Sentence }

// Unwrap returns the cause.
func (e *ProbeError) Unwrap() error { return e.Cause }
