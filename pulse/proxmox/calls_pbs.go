package proxmox

import (
	"context"
	"strconv"
	"time"
)

// Ping reads PBS "GET /ping", which needs no credential. It tells that a PBS answers, not that it may be asked.
func (c *Client) Ping(ctx context.Context) (Meta, error) {
	k := call{op: "ping", kind: PBS, path: "/ping", public: true}
	_, meta, err := fetch(ctx, c, k, anObject, func(s *scanner) string { return s.textField("pong") })
	return meta, err
}

// HostStatus reads PBS "GET /nodes/localhost/status". It needs Sys.Audit on /system/status.
func (c *Client) HostStatus(ctx context.Context) (HostStatus, Meta, error) {
	k := call{op: "read the host status", kind: PBS, path: "/nodes/localhost/status"}
	return fetch(ctx, c, k, anObject, decodeHostStatus)
}

// DatastoreUsage reads PBS "GET /status/datastore-usage": the datastores the credential may see, a month of history
// included.
func (c *Client) DatastoreUsage(ctx context.Context) ([]DatastoreUsage, Meta, error) {
	k := call{op: "read datastore usage", kind: PBS, path: "/status/datastore-usage", slow: true}
	return fetch(ctx, c, k, aList, decodeDatastoreUsage)
}

// Datastores reads PBS "GET /admin/datastore".
func (c *Client) Datastores(ctx context.Context) ([]Datastore, Meta, error) {
	k := call{op: "read the datastores", kind: PBS, path: "/admin/datastore"}
	return fetch(ctx, c, k, aList, decodeDatastores)
}

// Namespaces reads PBS "GET /admin/datastore/{store}/namespace", the root included. PBS before 2.2 has none: that is
// [ErrUnsupported].
func (c *Client) Namespaces(ctx context.Context, store string) ([]Namespace, Meta, error) {
	k := call{op: "read the namespaces of datastore " + store, kind: PBS, slow: true}
	name, err := segment("datastore name", store)
	if err != nil {
		return nil, Meta{}, named(k, err)
	}
	k.path = "/admin/datastore/" + name + "/namespace"
	return fetch(ctx, c, k, aList, decodeNamespaces)
}

// Tasks reads PBS "GET /nodes/localhost/tasks" that started at since or later; a zero since means all that are kept.
// Without Sys.Audit on /system/tasks only the credential's own are told. Newest start first.
func (c *Client) Tasks(ctx context.Context, since time.Time) ([]Task, Meta, error) {
	k := call{op: "read the tasks", kind: PBS, path: "/nodes/localhost/tasks", query: "limit=0", slow: true}
	if !since.IsZero() {
		k.query = "limit=0&since=" + strconv.FormatInt(max(since.Unix(), 0), 10)
	}
	return fetch(ctx, c, k, aList, decodeTasks)
}
