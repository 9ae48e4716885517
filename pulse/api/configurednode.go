package api

import (
	"net/url"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// ConfiguredNode is a target as the list shows it.
type ConfiguredNode struct {
	ID          string `json:"id" doc:"The id that it keeps." example:"pve-0"`
	Type        string `json:"type" enum:"pve,pbs" doc:"What runs there."`
	Name        string `json:"name" doc:"Its name; the instance of what it holds." example:"pve1"`
	Host        string `json:"host" doc:"Its address." example:"https://192.168.1.100:8006"`
	User        string `json:"user,omitempty" doc:"The user, where it logs in with a password." example:"monitor@pve"`
	HasPassword bool   `json:"hasPassword" doc:"Whether there is a password." example:"true"`
	TokenName   string `json:"tokenName,omitempty" doc:"The API token's id, where it uses one." example:"monitor@pve!pulse"`
	HasToken    bool   `json:"hasToken" doc:"Whether there is a token." example:"false"`
	Fingerprint string `json:"fingerprint,omitempty" doc:"SHA-256 of the one certificate that is trusted, where one was given."`
	VerifySSL   bool   `json:"verifySSL" doc:"False where any certificate is accepted." example:"true"`
	VerifyMode  string `json:"verifyMode" enum:"auto,system,off" doc:"How the certificate is judged where no fingerprint was given: auto verifies where that works and otherwise trusts the one met at first contact."`

	MonitorVMs         bool `json:"monitorVMs,omitempty" doc:"Whether VMs are read; absent when not." example:"true"`
	MonitorContainers  bool `json:"monitorContainers,omitempty" doc:"Whether containers are read; absent when not." example:"true"`
	MonitorStorage     bool `json:"monitorStorage,omitempty" doc:"Whether storages are read; absent when not." example:"true"`
	MonitorBackups     bool `json:"monitorBackups,omitempty" doc:"Whether backups are read; absent when not." example:"true"`
	MonitorDatastores  bool `json:"monitorDatastores,omitempty" doc:"Whether datastores are read; absent when not."`
	MonitorSyncJobs    bool `json:"monitorSyncJobs,omitempty" doc:"Whether sync jobs are read; absent when not."`
	MonitorVerifyJobs  bool `json:"monitorVerifyJobs,omitempty" doc:"Whether verify jobs are read; absent when not."`
	MonitorPruneJobs   bool `json:"monitorPruneJobs,omitempty" doc:"Whether prune jobs are read; absent when not."`
	MonitorGarbageJobs bool `json:"monitorGarbageJobs,omitempty" doc:"Whether garbage collection is read; absent when not."`

	Status           string            `json:"status" enum:"connected,degraded,disconnected" doc:"How Pulse gets on with it. Degraded: it is read, but not in full."`
	Pending          bool              `json:"pending,omitempty" doc:"True while it was not tried since it was added or changed; the status is then disconnected."`
	Reason           string            `json:"reason,omitempty" doc:"Why the last reading failed, as one word: unreachable, timeout, unauthorized, forbidden, tls, not-proxmox or failed." example:"unreachable"`
	Error            string            `json:"error,omitempty" doc:"Why it is not connected, as one sentence." example:"connection refused"`
	LastSuccess      *time.Time        `json:"lastSuccess,omitempty" doc:"When it was last read; absent before that."`
	Version          string            `json:"version,omitempty" doc:"The version that it runs, once known." example:"9.2.11"`
	IsCluster        bool              `json:"isCluster,omitempty" doc:"Whether it is a cluster; absent when not."`
	ClusterName      string            `json:"clusterName,omitempty" doc:"The cluster's name; absent where the credential may not see it." example:"prod"`
	ClusterEndpoints []ClusterEndpoint `json:"clusterEndpoints,omitempty" nullable:"false" doc:"The cluster's members."`
	Source           string            `json:"source,omitempty" doc:"The file that declares it; it can be changed only there."`
}

// ClusterEndpoint is a member of a cluster. Its keys are capitalised, as clients know them.
type ClusterEndpoint struct {
	NodeID   string    `json:"NodeID" doc:"node/ and its name." example:"node/pve1"`
	NodeName string    `json:"NodeName" doc:"Its name." example:"pve1"`
	Host     string    `json:"Host" doc:"Its name too, as clients know it." example:"pve1"`
	Address  string    `json:"Address,omitempty" doc:"Where Pulse reaches it; absent while that is not known." example:"https://192.168.1.100:8006"`
	IP       string    `json:"IP" doc:"Its address inside the cluster." example:"192.168.1.100"`
	Online   bool      `json:"Online" doc:"Whether the cluster sees it." example:"true"`
	LastSeen time.Time `json:"LastSeen" doc:"When Pulse last read about it; the year 1 before that."`
}

func configuredNode(t pulse.TargetState) ConfiguredNode {
	c := t.Config
	n := ConfiguredNode{
		ID: string(c.ID), Type: string(c.Kind()), Name: c.Name, Host: c.Address, User: c.User,
		HasPassword: !c.Password.IsZero(), TokenName: c.TokenID, HasToken: !c.TokenSecret.IsZero(),
		Fingerprint: c.Fingerprint, VerifySSL: verifies(c), VerifyMode: verifyMode(c.Verify),
		MonitorBackups: c.Collect.Backups,
		Status:         string(t.Status), Error: t.Reason,
		Version: versionOf(t.Observation), Source: c.Source,
	}
	if t.Status == pulse.Pending {
		n.Status, n.Pending, n.Error = string(pulse.Disconnected), true, "not read yet"
	}
	if t.Observation != nil {
		n.Reason = string(t.Observation.Poll.Reason)
		n.LastSuccess = optTime(t.Observation.Poll.LastSuccess)
	}
	if c.Kind() == estate.PBS {
		n.MonitorDatastores, n.MonitorSyncJobs = c.Collect.Datastores, c.Collect.SyncJobs
		n.MonitorVerifyJobs, n.MonitorPruneJobs = c.Collect.VerifyJobs, c.Collect.PruneJobs
		n.MonitorGarbageJobs = c.Collect.GarbageJobs
		return n
	}
	n.MonitorVMs, n.MonitorContainers, n.MonitorStorage = c.Collect.VMs, c.Collect.Containers, c.Collect.Storage
	n.cluster(t)
	return n
}

func (n *ConfiguredNode) cluster(t pulse.TargetState) {
	o := t.Observation
	if o == nil || (o.Cluster.Name == "" && len(o.Nodes) < 2) {
		return
	}
	n.IsCluster, n.ClusterName = true, o.Cluster.Name
	for i := range o.Nodes {
		n.ClusterEndpoints = append(n.ClusterEndpoints, endpoint(&o.Nodes[i], t.Members))
	}
}

func endpoint(node *estate.Node, members []proxmox.Member) ClusterEndpoint {
	e := ClusterEndpoint{
		NodeID: "node/" + node.Name, NodeName: node.Name, Host: node.Name, IP: node.Address,
		Online: node.Status == estate.NodeOnline, LastSeen: node.Seen.At.UTC(),
	}
	for _, m := range members {
		if m.Name != node.Name {
			continue
		}
		e.Address = m.Address
		if u, err := url.Parse(m.Address); e.IP == "" && err == nil {
			e.IP = u.Hostname()
		}
	}
	return e
}

// verifyAuto is the word for [config.VerifyAuto], which is kept as none.
const verifyAuto = "auto"

func verifyMode(mode config.VerifyMode) string {
	if mode == config.VerifyAuto {
		return verifyAuto
	}
	return string(mode)
}
