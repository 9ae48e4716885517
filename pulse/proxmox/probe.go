package proxmox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
	// Datastores are the names of those that the credential sees, for PBS.
	Datastores []string
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

// maxProbeReply bounds the replies to a probe unless the options do. Anybody's server may be tried out, and the longest
// reply, the rights on ten thousand guests, takes half of it.
const maxProbeReply = 16 << 20

// Probe tries a target out, from the name to the rights, without keeping anything. It fails with a [*ProbeError] that
// says what exactly is wrong.
func Probe(ctx context.Context, opt Options) (ProbeResult, error) {
	address, err := NormalizeAddress(opt.Kind, opt.Address)
	if err != nil {
		return ProbeResult{}, probeError(StageAddress, err, sentence(err.Error()))
	}
	opt.MaxReplyBytes = cmp.Or(opt.MaxReplyBytes, maxProbeReply)
	// It is about this address, not about whether another member would do.
	opt.Trust.Known = slices.Clone(opt.Trust.Known)
	for i := range opt.Trust.Known {
		opt.Trust.Known[i].Address = ""
	}
	c, err := New(opt)
	if err != nil {
		return ProbeResult{}, probeError(StageCredentials, err, sentence(strings.TrimPrefix(err.Error(), "proxmox client: ")))
	}
	defer c.Close()
	result := ProbeResult{Kind: opt.Kind, Address: address}
	version, meta, err := c.Version(ctx)
	if err != nil {
		return ProbeResult{}, c.explain(ctx, err)
	}
	result.Version = version
	if !meta.ServerTime.IsZero() {
		result.ClockSkew = Some(meta.ServerTime.Sub(meta.At).Round(time.Second))
	}
	seen := c.trust.offer(address)
	result.Fingerprint, result.TrustedBy = seen.fingerprint, seen.by
	rights, _, err := c.Permissions(ctx)
	if err != nil {
		return ProbeResult{}, c.explain(ctx, err)
	}
	result.Abilities = abilities(opt.Kind, version, c.opt.Credential, rights)
	if err := nothingVisible(opt.Kind, result.Abilities); err != nil {
		return ProbeResult{}, err
	}
	look := c.probeCluster
	if opt.Kind == PBS {
		look = c.probeServer
	}
	if err := look(ctx, &result); err != nil {
		return ProbeResult{}, c.explain(ctx, err)
	}
	result.Learned = c.Learned()
	return result, nil
}

func (c *Client) probeCluster(ctx context.Context, result *ProbeResult) error {
	learned, err := c.learn(ctx)
	if err != nil {
		return err
	}
	result.ClusterName = learned.ClusterName
	nodes, _, err := c.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		result.Nodes = append(result.Nodes, ProbeNode{Name: n.Name, Online: n.Status == "online"})
	}
	slices.SortFunc(result.Nodes, func(a, b ProbeNode) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func (c *Client) probeServer(ctx context.Context, result *ProbeResult) error {
	datastores, _, err := c.Datastores(ctx)
	if err != nil {
		return err
	}
	for _, d := range datastores {
		result.Datastores = append(result.Datastores, d.Name)
	}
	slices.Sort(result.Datastores)
	return nil
}

func probeError(stage ProbeStage, cause error, text string) *ProbeError {
	return &ProbeError{Stage: stage, Sentence: text, Cause: cause}
}

// sentence makes an error's text look like one.
func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// explain turns a failed call into one sentence for people.
func (c *Client) explain(ctx context.Context, err error) *ProbeError {
	at := c.opt.Address
	var certificate *CertificateError
	var e *Error
	said := ""
	if errors.As(err, &e) {
		said = e.Message
	}
	switch {
	case errors.Is(err, ErrWrongKind), c.isOtherKind(ctx, err):
		return probeError(StageWrongKind, err, fmt.Sprintf("A %s answers at %s, where a %s was expected.", otherKind(c.opt.Kind).title(), at, c.opt.Kind.title()))
	case errors.As(err, &certificate):
		p := probeError(StageTLS, err, sentence(certificate.Error()))
		p.Offered, p.Expected = certificate.Offered, certificate.Expected
		return p
	case errors.Is(err, ErrTLS):
		return probeError(StageTLS, err, fmt.Sprintf("No TLS connection to %s could be made: %s.", at, said))
	case errors.Is(err, ErrDNS):
		return probeError(StageDNS, err, sentence(said))
	case errors.Is(err, ErrRefused):
		return probeError(StageRefused, err, fmt.Sprintf("The connection to %s was refused: nothing listens there. %s", at, portHint(c.opt.Kind)))
	case errors.Is(err, ErrSecondFactor):
		return probeError(StageCredentials, err, sentence(said))
	case errors.Is(err, ErrUnauthorized):
		return probeError(StageCredentials, err, fmt.Sprintf("%s refused the credentials: they are wrong, unknown or expired (it does not tell which).", at))
	case errors.Is(err, ErrForbidden):
		return c.explainForbidden(err, e)
	case errors.Is(err, ErrNotProxmox):
		return probeError(StageNotProxmox, err, fmt.Sprintf("What answers at %s is not a %s: %s. %s", at, c.opt.Kind.title(), said, portHint(c.opt.Kind)))
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrNodeHung):
		return probeError(StageTimeout, err, fmt.Sprintf("%s did not answer in time.", at))
	case errors.Is(err, ErrUnreachable):
		return probeError(StageConnect, err, fmt.Sprintf("No connection to %s could be made: %s.", at, said))
	}
	return probeError(StageServer, err, fmt.Sprintf("%s answered with an error: %s.", at, strings.TrimSuffix(said, ".")))
}

func (c *Client) explainForbidden(err error, e *Error) *ProbeError {
	p := probeError(StagePrivilege, err, "The credentials are valid but lack a right.")
	p.Path, p.Privilege = e.Object, e.Privilege
	p.Command = auditCommand(c.opt.Kind, c.opt.Credential)
	if p.Privilege != "" {
		p.Sentence = fmt.Sprintf("The credentials are valid but lack %s on %s.", p.Privilege, p.Path)
	}
	p.Sentence += " Run on the host: " + p.Command
	return p
}

// isOtherKind finds out whether a PBS answers a client for PVE. The reverse shows in the reply itself.
func (c *Client) isOtherKind(ctx context.Context, err error) bool {
	if c.opt.Kind != PVE || !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrNotProxmox) {
		return false
	}
	k := call{op: "tell PVE from PBS", path: "/ping", public: true}
	pong := false
	_, err = c.ask(ctx, c.preferred, k, func(body []byte) error {
		return decodeEnvelope(body, anObject, func(s *scanner) { pong = s.textField("pong") == "true" })
	})
	return err == nil && pong
}

func otherKind(kind Kind) Kind {
	if kind == PVE {
		return PBS
	}
	return PVE
}

func (k Kind) title() string {
	if k == PBS {
		return "Proxmox Backup Server"
	}
	return "Proxmox VE"
}

func portHint(kind Kind) string {
	port, err := defaultPort(kind)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s uses port %d unless it was changed.", kind.title(), port)
}
