package proxmox

import (
	"context"
	"errors"
	"time"
)

var errUnfinished = errors.New("unfinished")

// Client talks to one target. See the package comment.
type Client struct{ opt Options }

// New checks the options and returns a client. It does no I/O and starts nothing. It fails with [ErrInvalid].
func New(opt Options) (*Client, error) { return &Client{opt: opt}, nil }

// Close closes idle connections; calls after it fail with [ErrClosed].
func (c *Client) Close() {}

// Address is the normalized configured address.
func (c *Client) Address() string { return c.opt.Address }

// Learn reads the version, the members with their fingerprints and the cluster's authority.
func (c *Client) Learn(ctx context.Context) (Learned, error) { return Learned{}, errUnfinished }

// Learned returns what was learned so far.
func (c *Client) Learned() Learned { return Learned{} }

// Members tells how each way in stands.
func (c *Client) Members() []MemberHealth { return nil }

// MemberHealth is how one way in stands.
type MemberHealth struct {
	Member
	// Preferred marks the configured address; Active the one that is asked now.
	Preferred, Active bool
	// LastOK and LastFailure are zero when there was none.
	LastOK, LastFailure time.Time
	// Err is why it failed last; nil once it works again.
	Err error
}

// NormalizeAddress turns what people type into a base URL.
func NormalizeAddress(kind Kind, raw string) (string, error) { return raw, nil }

// ParseUPID reads a task id of PVE or PBS.
func ParseUPID(text string) (UPID, error) { return UPID{}, errUnfinished }

// Probe tries a target out.
func Probe(ctx context.Context, opt Options) (ProbeResult, error) {
	return ProbeResult{}, errUnfinished
}

// Version reads "GET /version" (PVE and PBS).
func (c *Client) Version(ctx context.Context) (Version, Meta, error) {
	return Version{}, Meta{}, errUnfinished
}

// Permissions reads "GET /access/permissions" (PVE and PBS).
func (c *Client) Permissions(ctx context.Context) (Permissions, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Resources reads PVE "GET /cluster/resources".
func (c *Client) Resources(ctx context.Context) (Resources, Meta, error) {
	return Resources{}, Meta{}, errUnfinished
}

// ClusterStatus reads PVE "GET /cluster/status".
func (c *Client) ClusterStatus(ctx context.Context) (ClusterStatus, Meta, error) {
	return ClusterStatus{}, Meta{}, errUnfinished
}

// ClusterTasks reads PVE "GET /cluster/tasks", newest start first, each UPID once.
func (c *Client) ClusterTasks(ctx context.Context) ([]Task, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Nodes reads PVE "GET /nodes".
func (c *Client) Nodes(ctx context.Context) ([]Node, Meta, error) { return nil, Meta{}, errUnfinished }

// NodeStatus reads PVE "GET /nodes/{node}/status".
func (c *Client) NodeStatus(ctx context.Context, node string) (NodeStatus, Meta, error) {
	return NodeStatus{}, Meta{}, errUnfinished
}

// GuestStatus reads PVE "GET /nodes/{node}/{kind}/{vmid}/status/current".
func (c *Client) GuestStatus(ctx context.Context, node string, kind GuestKind, vmid int) (GuestStatus, Meta, error) {
	return GuestStatus{}, Meta{}, errUnfinished
}

// GuestFilesystems asks the agent inside a VM.
func (c *Client) GuestFilesystems(ctx context.Context, node string, vmid int) ([]Filesystem, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Storages reads PVE "GET /storage".
func (c *Client) Storages(ctx context.Context) ([]StorageConfig, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Certificates reads PVE "GET /nodes/{node}/certificates/info".
func (c *Client) Certificates(ctx context.Context, node string) ([]Certificate, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Ping reads PBS "GET /ping", which needs no right.
func (c *Client) Ping(ctx context.Context) (Meta, error) { return Meta{}, errUnfinished }

// HostStatus reads PBS "GET /nodes/localhost/status".
func (c *Client) HostStatus(ctx context.Context) (HostStatus, Meta, error) {
	return HostStatus{}, Meta{}, errUnfinished
}

// DatastoreUsage reads PBS "GET /status/datastore-usage".
func (c *Client) DatastoreUsage(ctx context.Context) ([]DatastoreUsage, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Datastores reads PBS "GET /admin/datastore".
func (c *Client) Datastores(ctx context.Context) ([]Datastore, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Namespaces reads PBS "GET /admin/datastore/{store}/namespace".
func (c *Client) Namespaces(ctx context.Context, store string) ([]Namespace, Meta, error) {
	return nil, Meta{}, errUnfinished
}

// Tasks reads PBS "GET /nodes/localhost/tasks" that started at or after since (zero: all kept).
func (c *Client) Tasks(ctx context.Context, since time.Time) ([]Task, Meta, error) {
	return nil, Meta{}, errUnfinished
}
