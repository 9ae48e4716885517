package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Description is what [Estate.Control] answers on GET /estate: everything a
// client needs to reach the simulated servers.
type Description struct {
	Clusters      []ClusterInfo      `json:"clusters"`
	BackupServers []BackupServerInfo `json:"backupServers"`
}

// Describe is the whole estate.
func (e *Estate) Describe() Description {
	return Description{Clusters: e.Clusters(), BackupServers: e.BackupServers()}
}

// Order is the body of POST /fault and POST /guest/{action} of
// [Estate.Control]. Which fields matter depends on the fault or action.
type Order struct {
	// Fault is one of node-down, node-up, proxy-down, daemon-down, hang, slow,
	// proxy-error, statd-stopped, renew-certificate, replace-certificate,
	// unauthorized, quorum-lost, storage-down, pbs-down, pbs-up, pbs-hang,
	// pbs-slow, pbs-unauthorized, pbs-certificate, maintenance.
	Fault string `json:"fault"`
	// Off ends a fault that lasts.
	Off     bool   `json:"off"`
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	Storage string `json:"storage"`
	// Server and Datastore name a PBS.
	Server    string `json:"server"`
	Datastore string `json:"datastore"`
	// Mode is the maintenance mode.
	Mode string `json:"mode"`
	Code int    `json:"code"`
	// DelayMilliseconds is for slow and pbs-slow.
	DelayMilliseconds int64 `json:"delayMilliseconds"`

	VMID   int    `json:"vmid"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Tags   string `json:"tags"`
	Lock   string `json:"lock"`
}

// errOrder tells that an order names no known fault or action.
var errOrder = errors.New("unknown fault or action")

// Control answers a small JSON API with which another process steers the
// estate: GET /estate, GET /guests?cluster=, GET /requests?target=&since= (a
// time as in RFC 3339, or nothing for all), GET /counts?target=, DELETE /requests, POST /fault, and POST /guest/{action} with
// start, stop, stop-silently, migrate, create, remove, recreate, reset-counters,
// rename, lock, tags, status, snapshot, backup, agent-hang, monitor-silent. It
// has no authentication: serve it on loopback only.
func (e *Estate) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /estate", func(w http.ResponseWriter, _ *http.Request) { respond(w, e.Describe(), nil) })
	mux.HandleFunc("GET /guests", func(w http.ResponseWriter, r *http.Request) {
		guests, err := e.Guests(r.FormValue("cluster"))
		respond(w, guests, err)
	})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, r *http.Request) {
		requests, err := e.requestsSince(r.FormValue("target"), r.FormValue("since"))
		respond(w, requests, err)
	})
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, r *http.Request) {
		respond(w, e.RequestCounts(r.FormValue("target")), nil)
	})
	mux.HandleFunc("DELETE /requests", func(w http.ResponseWriter, _ *http.Request) {
		e.ForgetRequests()
		respond(w, object{}, nil)
	})
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		order, err := readOrder(w, r)
		if err == nil {
			err = e.Fault(order)
		}
		respond(w, object{}, err)
	})
	mux.HandleFunc("POST /guest/{action}", func(w http.ResponseWriter, r *http.Request) {
		order, err := readOrder(w, r)
		if err == nil {
			err = e.act(r.PathValue("action"), order)
		}
		respond(w, object{}, err)
	})
	return mux
}

func readOrder(w http.ResponseWriter, r *http.Request) (Order, error) {
	var order Order
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&order)
	return order, err
}

func respond(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		body = object{"error": err.Error()}
	}
	_, _ = w.Write(append(encode(body), '\n'))
}

// Fault carries out the fault of an order, as POST /fault does.
func (e *Estate) Fault(o Order) error {
	on := !o.Off
	delay := time.Duration(boolInt(on)) * time.Duration(o.DelayMilliseconds) * time.Millisecond
	switch o.Fault {
	case "node-down":
		return e.NodeDown(o.Cluster, o.Node)
	case "node-up":
		return e.NodeUp(o.Cluster, o.Node)
	case "proxy-down":
		return e.NodeProxyDown(o.Cluster, o.Node, on)
	case "daemon-down":
		return e.NodeDaemonDown(o.Cluster, o.Node, on)
	case "hang":
		return e.NodeHang(o.Cluster, o.Node, on)
	case "slow":
		return e.NodeSlow(o.Cluster, o.Node, delay)
	case "proxy-error":
		return e.ProxyError(o.Cluster, o.Node, o.Code*boolInt(on))
	case "statd-stopped":
		return e.StatusDaemonStopped(o.Cluster, o.Node, on)
	case "renew-certificate":
		return e.RenewCertificate(o.Cluster, o.Node)
	case "replace-certificate":
		return e.ReplaceCertificate(o.Cluster, o.Node)
	case "unauthorized":
		return e.Unauthorized(o.Cluster, on)
	case "quorum-lost":
		return e.QuorumLost(o.Cluster, on)
	case "storage-down":
		return e.StorageDown(o.Cluster, o.Storage, on)
	}
	return e.backupFault(o, on, delay)
}

// backupFault is Fault for the backup servers.
func (e *Estate) backupFault(o Order, on bool, delay time.Duration) error {
	switch o.Fault {
	case "pbs-down":
		return e.PBSDown(o.Server)
	case "pbs-up":
		return e.PBSUp(o.Server)
	case "pbs-hang":
		return e.PBSHang(o.Server, on)
	case "pbs-slow":
		return e.PBSSlow(o.Server, delay)
	case "pbs-unauthorized":
		return e.PBSUnauthorized(o.Server, on)
	case "pbs-certificate":
		return e.ReplacePBSCertificate(o.Server)
	case "maintenance":
		return e.DatastoreMaintenance(o.Server, o.Datastore, o.Mode)
	}
	return fmt.Errorf("fault %q: %w", o.Fault, errOrder)
}

// act carries out an action on a guest.
func (e *Estate) act(action string, o Order) error {
	switch action {
	case "start":
		return e.StartGuest(o.Cluster, o.VMID)
	case "stop":
		return e.StopGuest(o.Cluster, o.VMID)
	case "stop-silently":
		return e.StopGuestSilently(o.Cluster, o.VMID)
	case "migrate":
		return e.MigrateGuest(o.Cluster, o.VMID, o.Node)
	case "create":
		return e.CreateGuest(o.Cluster, Guest{
			VMID: o.VMID, Type: o.Type, Name: o.Name, Node: o.Node, Status: o.Status, Tags: o.Tags,
		})
	case "remove":
		return e.RemoveGuest(o.Cluster, o.VMID)
	case "recreate":
		return e.RecreateGuest(o.Cluster, o.VMID)
	case "reset-counters":
		return e.ResetCounters(o.Cluster, o.VMID)
	}
	return e.adjust(action, o)
}

// adjust is act for what leaves the guest as it is otherwise.
func (e *Estate) adjust(action string, o Order) error {
	switch action {
	case "rename":
		return e.RenameGuest(o.Cluster, o.VMID, o.Name)
	case "lock":
		return e.SetGuestLock(o.Cluster, o.VMID, o.Lock)
	case "tags":
		return e.SetGuestTags(o.Cluster, o.VMID, o.Tags)
	case "status":
		return e.SetGuestStatus(o.Cluster, o.VMID, o.Status)
	case "snapshot":
		return e.SnapshotGuest(o.Cluster, o.VMID, o.Name)
	case "backup":
		return e.AddBackup(o.Cluster, o.VMID)
	case "agent-hang":
		return e.AgentHang(o.Cluster, o.VMID, !o.Off)
	case "monitor-silent":
		return e.MonitorSilent(o.Cluster, o.VMID, !o.Off)
	}
	return fmt.Errorf("action %q: %w", action, errOrder)
}
