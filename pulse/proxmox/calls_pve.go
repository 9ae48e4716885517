package proxmox

import (
	"context"
	"strconv"
)

// Version reads "GET /version" (PVE and PBS).
func (c *Client) Version(ctx context.Context) (Version, Meta, error) {
	return fetch(ctx, c, call{op: "read the version", path: "/version"}, anObject, decodeVersion)
}

// Permissions reads "GET /access/permissions" (PVE and PBS).
func (c *Client) Permissions(ctx context.Context) (Permissions, Meta, error) {
	return fetch(ctx, c, call{op: "read the permissions", path: "/access/permissions"}, anObject, decodePermissions)
}

// Resources reads PVE "GET /cluster/resources".
func (c *Client) Resources(ctx context.Context) (Resources, Meta, error) {
	k := call{op: "read cluster resources", kind: PVE, path: "/cluster/resources"}
	return fetch(ctx, c, k, aList, func(s *scanner) Resources { return decodeResources(s, &c.recycle) })
}

// ClusterStatus reads PVE "GET /cluster/status". It needs Sys.Audit on "/".
func (c *Client) ClusterStatus(ctx context.Context) (ClusterStatus, Meta, error) {
	k := call{op: "read the cluster status", kind: PVE, path: "/cluster/status", slow: true, protected: true}
	return fetch(ctx, c, k, aList, decodeClusterStatus)
}

// ClusterTasks reads PVE "GET /cluster/tasks": what runs and the last 25 or fewer of each node that ended. Newest start
// first, each UPID once.
func (c *Client) ClusterTasks(ctx context.Context) ([]Task, Meta, error) {
	k := call{op: "read cluster tasks", kind: PVE, path: "/cluster/tasks"}
	return fetch(ctx, c, k, aList, decodeTasks)
}

// Nodes reads PVE "GET /nodes".
func (c *Client) Nodes(ctx context.Context) ([]Node, Meta, error) {
	k := call{op: "read the nodes", kind: PVE, path: "/nodes"}
	return fetch(ctx, c, k, aList, func(s *scanner) []Node { return decodeNodes(s, &c.recycle) })
}

// NodeStatus reads PVE "GET /nodes/{node}/status". It needs Sys.Audit on the node.
func (c *Client) NodeStatus(ctx context.Context, node string) (NodeStatus, Meta, error) {
	k := call{op: "read the status of node " + node, kind: PVE, node: node}
	return fetchAt(ctx, c, k, "/status", anObject, decodeNodeStatus)
}

// Certificates reads PVE "GET /nodes/{node}/certificates/info".
func (c *Client) Certificates(ctx context.Context, node string) ([]Certificate, Meta, error) {
	k := call{op: "read the certificates of node " + node, kind: PVE, node: node}
	return fetchAt(ctx, c, k, "/certificates/info", aList, decodeCertificates)
}

// Storages reads PVE "GET /storage": the definitions the credential may see.
func (c *Client) Storages(ctx context.Context) ([]StorageConfig, Meta, error) {
	k := call{op: "read storage definitions", kind: PVE, path: "/storage"}
	return fetch(ctx, c, k, aList, decodeStorages)
}

// GuestStatus reads PVE "GET /nodes/{node}/{kind}/{vmid}/status/current". It costs the node a process or a monitor
// session, so it is for single guests, never for all. A guest that is gone or on another node is [ErrNotFound].
func (c *Client) GuestStatus(ctx context.Context, node string, kind GuestKind, vmid int) (GuestStatus, Meta, error) {
	if kind != VM && kind != Container {
		return GuestStatus{}, Meta{}, &Error{Op: "read a guest's status", Kind: ErrInvalid, Message: "unknown kind of guest"}
	}
	id := strconv.Itoa(vmid)
	k := call{op: "read the status of guest " + id, kind: PVE, node: node, slow: true, protected: true}
	path := "/" + string(kind) + "/" + id + "/status/current"
	g, meta, err := fetchAt(ctx, c, k, path, anObject, func(s *scanner) GuestStatus { return decodeGuestStatus(s, kind) })
	if err == nil && g.VMID == 0 {
		g.VMID = vmid
	}
	return g, meta, err
}

// GuestFilesystems asks the agent inside a VM for its mounts (PVE "GET /nodes/{node}/qemu/{vmid}/agent/get-fsinfo"). It
// needs VM.Monitor before PVE 9 and VM.GuestAgent.Audit since. A VM whose agent is not configured or silent is
// [ErrNoAgent]; a silent one costs the node three seconds.
func (c *Client) GuestFilesystems(ctx context.Context, node string, vmid int) ([]Filesystem, Meta, error) {
	id := strconv.Itoa(vmid)
	k := call{op: "read the file systems of guest " + id, kind: PVE, node: node, slow: true, protected: true}
	failure := ""
	mounts, meta, err := fetchAt(ctx, c, k, "/qemu/"+id+"/agent/get-fsinfo", anObject, func(s *scanner) []Filesystem {
		var out []Filesystem
		out, failure = decodeFilesystems(s)
		return out
	})
	if err == nil && failure != "" {
		return nil, meta, &Error{Op: k.op, Member: meta.Member, Status: 200, Kind: ErrNoAgent, Message: c.line(failure)}
	}
	return mounts, meta, err
}

// fetchAt makes a call below /nodes/{node}.
func fetchAt[T any](ctx context.Context, c *Client, k call, path string, want shape, read func(*scanner) T) (T, Meta, error) {
	node, err := segment("node name", k.node)
	if err != nil {
		var zero T
		return zero, Meta{}, named(k, err)
	}
	k.path = "/nodes/" + node + path
	return fetch(ctx, c, k, want, read)
}

// fetch makes a call and decodes its data.
func fetch[T any](ctx context.Context, c *Client, k call, want shape, read func(*scanner) T) (T, Meta, error) {
	var value T
	meta, err := c.get(ctx, k, func(body []byte) error {
		return decodeEnvelope(body, want, func(s *scanner) { value = read(s) })
	})
	if err != nil {
		var zero T
		return zero, meta, err
	}
	return value, meta, nil
}
