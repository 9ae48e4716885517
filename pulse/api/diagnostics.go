package api

import (
	"context"
	"net/http"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// Diagnostics is what Pulse knows about its own work.
type Diagnostics struct {
	Version string             `json:"version" doc:"The release." example:"v5.0.0"`
	Runtime string             `json:"runtime" doc:"What Pulse is built with." example:"go"`
	Uptime  float64            `json:"uptime" doc:"Seconds since Pulse started." example:"3600"`
	Nodes   []PVEDiagnostics   `json:"nodes" nullable:"false" doc:"The PVE targets."`
	PBS     []PBSDiagnostics   `json:"pbs" nullable:"false" doc:"The backup servers."`
	System  ProcessDiagnostics `json:"system" doc:"The process and its machine."`
	Store   StoreDiagnostics   `json:"store" doc:"Where Pulse keeps what it knows."`
	Errors  []string           `json:"errors" nullable:"false" doc:"What is wrong with Pulse itself, as sentences."`
}

// TargetDiagnostics is how Pulse gets on with a target.
type TargetDiagnostics struct {
	ID          string              `json:"id" doc:"The target's name; older clients know it by this." example:"pve1"`
	NodeID      string              `json:"nodeId" doc:"Its id in the list of nodes." example:"pve-0"`
	Name        string              `json:"name" doc:"Its name." example:"pve1"`
	Host        string              `json:"host" doc:"Its address." example:"https://192.168.1.100:8006"`
	Type        string              `json:"type" enum:"pve,pbs" doc:"What runs there."`
	AuthMethod  string              `json:"authMethod" enum:"api_token,username_password" doc:"How Pulse logs in."`
	Connected   bool                `json:"connected" doc:"Whether it is read, in full or in part." example:"true"`
	Status      string              `json:"status" enum:"pending,connected,degraded,disconnected" doc:"How Pulse gets on with it."`
	Error       string              `json:"error,omitempty" doc:"Why it is not connected, as one sentence."`
	LastPoll    *time.Time          `json:"lastPoll,omitempty" doc:"When the latest reading ended; absent before any."`
	Poll        *PollDiagnostics    `json:"poll,omitempty" doc:"How it went."`
	Members     []MemberDiagnostics `json:"members" nullable:"false" doc:"The ways in, and how each stands."`
	Permissions []MissingPrivilege  `json:"missingPrivileges" nullable:"false" doc:"What the credential may not see."`
}

// PVEDiagnostics is how Pulse gets on with a PVE target.
type PVEDiagnostics struct {
	TargetDiagnostics
	Details     *PVEDetails  `json:"details,omitempty" doc:"What was found there; absent before any reading."`
	ClusterInfo *ClusterInfo `json:"clusterInfo,omitempty" doc:"Its cluster; absent before any reading."`
}

// PVEDetails is what was found at a PVE target.
type PVEDetails struct {
	NodeCount  int    `json:"node_count" doc:"Its nodes." example:"3"`
	GuestCount int    `json:"guest_count" doc:"Its VMs and containers." example:"120"`
	Version    string `json:"version,omitempty" doc:"Its version." example:"9.2.11"`
}

// ClusterInfo is a target's cluster.
type ClusterInfo struct {
	Nodes   int    `json:"nodes" doc:"Its nodes." example:"3"`
	Name    string `json:"name,omitempty" doc:"Its name; absent for a single host." example:"prod"`
	Quorate *bool  `json:"quorate,omitempty" doc:"Whether it has a majority." example:"true"`
}

// PBSDiagnostics is how Pulse gets on with a backup server.
type PBSDiagnostics struct {
	TargetDiagnostics
	Details *PBSDetails `json:"details,omitempty" doc:"What was found there; absent before any reading."`
}

// PBSDetails is what was found at a backup server.
type PBSDetails struct {
	Version        string `json:"version" doc:"Its version." example:"3.4.1"`
	DatastoreCount int    `json:"datastore_count" doc:"Its datastores." example:"1"`
}

// PollDiagnostics is how a reading went.
type PollDiagnostics struct {
	At               time.Time  `json:"at" doc:"When it ended."`
	TookSeconds      float64    `json:"tookSeconds" doc:"How long it took." example:"0.12"`
	Requests         int        `json:"requests" doc:"How many requests it made." example:"1"`
	Via              string     `json:"via,omitempty" doc:"The member that answered." example:"https://192.168.1.100:8006"`
	Reason           string     `json:"reason,omitempty" doc:"Why it failed, as one word; absent when it did not." example:"unreachable"`
	Failures         int        `json:"failures" doc:"How many failed in a row." example:"0"`
	FailedSince      *time.Time `json:"failedSince,omitempty" doc:"When the first of them ended."`
	LastSuccess      *time.Time `json:"lastSuccess,omitempty" doc:"When the last good one ended."`
	Degraded         string     `json:"degraded,omitempty" doc:"What part failed while the whole succeeded."`
	ClockSkewSeconds float64    `json:"clockSkewSeconds" doc:"How far the target's clock is ahead of Pulse's." example:"0"`
}

// MemberDiagnostics is how a way into a target stands.
type MemberDiagnostics struct {
	Name        string     `json:"name,omitempty" doc:"The node's name, once learned." example:"pve1"`
	Address     string     `json:"address" doc:"Its address." example:"https://192.168.1.100:8006"`
	Preferred   bool       `json:"preferred" doc:"Whether it is the configured one." example:"true"`
	Active      bool       `json:"active" doc:"Whether it is asked now." example:"true"`
	LastOK      *time.Time `json:"lastOk,omitempty" doc:"When it last answered."`
	LastFailure *time.Time `json:"lastFailure,omitempty" doc:"When it last failed."`
	Error       string     `json:"error,omitempty" doc:"Why it failed; absent once it works again."`
}

// MissingPrivilege is something the credential may not see.
type MissingPrivilege struct {
	Privilege string `json:"privilege" doc:"What is missing." example:"Sys.Audit"`
	Path      string `json:"path" doc:"Where." example:"/"`
	Hides     string `json:"hides" doc:"What stays hidden without it." example:"the nodes' load and versions"`
	Fix       string `json:"fix,omitempty" doc:"A command that grants it, to be run on the Proxmox host."`
}

// ProcessDiagnostics is about the process and its machine.
type ProcessDiagnostics struct {
	OS           string  `json:"os" doc:"The operating system." example:"linux"`
	Arch         string  `json:"arch" doc:"The processor." example:"amd64"`
	GoVersion    string  `json:"goVersion" doc:"The Go release that built Pulse." example:"go1.26.0"`
	NumCPU       int     `json:"numCPU" doc:"Processors that Pulse may use." example:"4"`
	NumGoroutine int     `json:"numGoroutine" doc:"Goroutines now." example:"40"`
	MemoryMB     uint64  `json:"memoryMB" doc:"MiB of live and not yet collected objects." example:"24"`
	HeldMB       uint64  `json:"heldMB" doc:"MiB that the process holds from the system." example:"48"`
	Streams      int     `json:"streamClients" doc:"Clients that follow a stream." example:"2"`
	Cycles       int64   `json:"pollingCycles" doc:"Full readings of targets since the start." example:"360"`
	Interval     float64 `json:"pollingInterval" doc:"Seconds between two full readings of a target." example:"10"`
}

// StoreDiagnostics is about where Pulse keeps what it knows.
type StoreDiagnostics struct {
	OK            bool   `json:"ok" doc:"Whether it worked when it was last used." example:"true"`
	SizeBytes     *int64 `json:"sizeBytes,omitempty" doc:"Its size; absent where it does not tell." example:"1048576"`
	ReusableBytes *int64 `json:"reusableBytes,omitempty" doc:"The part of it that is used first." example:"0"`
	FreeBytes     *int64 `json:"freeBytes,omitempty" doc:"How far it could grow; absent where the platform does not tell." example:"10737418240"`
}

type diagnosticsOutput struct{ Body Diagnostics }

func (a *API) registerDiagnostics() {
	register(a, operation{
		id: "get-diagnostics", method: http.MethodGet, path: "/api/diagnostics", tag: tagService,
		summary: "Read what Pulse knows about its own work",
		description: "Each target's health, timings and permissions, the store, and memory. No target is asked for it. " +
			"Durations are seconds, sizes MiB or bytes as their names say.",
		errors: []int{http.StatusRequestEntityTooLarge},
	}, a.getDiagnostics)
}

func (a *API) getDiagnostics(ctx context.Context, _ *struct{}) (*diagnosticsOutput, error) {
	known := a.opt.Monitor.Diagnostics(ctx)
	body := Diagnostics{
		Version: a.opt.Version.Number, Runtime: "go", Uptime: time.Since(a.opt.Started).Seconds(),
		Nodes: []PVEDiagnostics{}, PBS: []PBSDiagnostics{}, Errors: []string{},
		System: a.process(known), Store: storeDiagnostics(known),
	}
	if known.StoreError != nil {
		body.Errors = append(body.Errors, "the store does not work; the log tells why")
	}
	for _, t := range a.opt.Monitor.Snapshot().Targets {
		common := targetDiagnostics(t, known.Members[t.Config.ID])
		if t.Config.Kind() == estate.PBS {
			body.PBS = append(body.PBS, PBSDiagnostics{TargetDiagnostics: common, Details: pbsDetails(t.Observation)})
			continue
		}
		body.Nodes = append(body.Nodes, pveDiagnostics(common, t.Observation))
	}
	return &diagnosticsOutput{Body: body}, nil
}

func (a *API) process(known pulse.Diagnostics) ProcessDiagnostics {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return ProcessDiagnostics{
		OS: runtime.GOOS, Arch: runtime.GOARCH, GoVersion: runtime.Version(),
		NumCPU: runtime.GOMAXPROCS(0), NumGoroutine: runtime.NumGoroutine(),
		MemoryMB: samples[0].Value.Uint64() >> 20,
		HeldMB:   (samples[1].Value.Uint64() - samples[2].Value.Uint64()) >> 20,
		Streams:  a.streams.count(), Cycles: known.Cycles,
		Interval: a.opt.Monitor.Settings().PollingInterval.Seconds(),
	}
}

func storeDiagnostics(known pulse.Diagnostics) StoreDiagnostics {
	d := StoreDiagnostics{OK: known.StoreError == nil}
	if !known.StoreKnown {
		return d
	}
	d.SizeBytes, d.ReusableBytes = &known.Store.SizeBytes, &known.Store.ReusableBytes
	if known.Store.FreeKnown {
		d.FreeBytes = &known.Store.FreeBytes
	}
	return d
}

func targetDiagnostics(t pulse.TargetState, members []proxmox.MemberHealth) TargetDiagnostics {
	c := t.Config
	d := TargetDiagnostics{
		ID: c.Name, NodeID: string(c.ID), Name: c.Name, Host: c.Address, Type: string(c.Kind()),
		AuthMethod: authMethod(c), Status: string(t.Status), Error: t.Reason,
		Connected: t.Status == pulse.Connected || t.Status == pulse.Degraded,
		Members:   make([]MemberDiagnostics, 0, len(members)), Permissions: []MissingPrivilege{},
	}
	for _, m := range members {
		d.Members = append(d.Members, memberDiagnostics(m))
	}
	if t.Observation == nil {
		return d
	}
	for _, m := range t.Observation.Permissions.Missing {
		d.Permissions = append(d.Permissions, MissingPrivilege(m))
	}
	if p := t.Observation.Poll; !p.Ended.IsZero() {
		d.LastPoll = optTime(p.Ended)
		d.Poll = &PollDiagnostics{
			At: p.Ended.UTC(), TookSeconds: p.Took.Seconds(), Requests: p.Requests, Via: p.Via,
			Reason: string(p.Reason), Failures: p.Failures, FailedSince: optTime(p.FailedSince),
			LastSuccess: optTime(p.LastSuccess), Degraded: p.Degraded,
			ClockSkewSeconds: time.Duration(p.ClockSkew).Seconds(),
		}
	}
	return d
}

func authMethod(c config.Target) string {
	if c.TokenID != "" {
		return "api_token"
	}
	return "username_password"
}

func memberDiagnostics(m proxmox.MemberHealth) MemberDiagnostics {
	d := MemberDiagnostics{
		Name: m.Name, Address: m.Address, Preferred: m.Preferred, Active: m.Active,
		LastOK: optTime(m.LastOK), LastFailure: optTime(m.LastFailure),
	}
	if m.Err != nil {
		d.Error = m.Err.Error()
	}
	return d
}

func pveDiagnostics(common TargetDiagnostics, o *estate.Observation) PVEDiagnostics {
	d := PVEDiagnostics{TargetDiagnostics: common}
	if o == nil || o.Poll.LastSuccess.IsZero() {
		return d
	}
	d.Details = &PVEDetails{NodeCount: len(o.Nodes), GuestCount: len(o.Guests), Version: o.Cluster.Version}
	d.ClusterInfo = &ClusterInfo{Nodes: len(o.Nodes), Name: o.Cluster.Name}
	if quorate, ok := o.Cluster.Quorate.Get(); ok {
		d.ClusterInfo.Quorate = &quorate
	}
	return d
}

func pbsDetails(o *estate.Observation) *PBSDetails {
	if o == nil || o.Server == nil {
		return nil
	}
	return &PBSDetails{Version: o.Server.Version, DatastoreCount: len(o.Server.Datastores)}
}

// optTime is a time in UTC; nil for none.
func optTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
