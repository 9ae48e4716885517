package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

// NodeFields are what a configured node can be given. A node here is a target: a PVE cluster by any of its members, a
// single PVE host, or a Proxmox Backup Server.
type NodeFields struct {
	Name        *string `json:"name,omitempty" nullable:"true" maxLength:"200" doc:"Shown to people; by default the host." example:"My PVE Node"`
	User        *string `json:"user,omitempty" nullable:"true" maxLength:"200" doc:"A user with its realm, beside a password." example:"monitor@pve"`
	Password    *string `json:"password,omitempty" nullable:"true" maxLength:"2048" format:"password" doc:"The user's password. It takes the place of a token."`
	TokenName   *string `json:"tokenName,omitempty" nullable:"true" maxLength:"400" doc:"An API token's id; its name alone beside a user." example:"monitor@pve!pulse"`
	TokenID     *string `json:"tokenId,omitempty" nullable:"true" maxLength:"400" doc:"Another spelling of tokenName, which wins." example:"monitor@pve!pulse"`
	TokenValue  *string `json:"tokenValue,omitempty" nullable:"true" maxLength:"2048" format:"password" doc:"The token's secret. It takes the place of a password."`
	Fingerprint *string `json:"fingerprint,omitempty" nullable:"true" maxLength:"400" doc:"SHA-256 of the one certificate to trust."`
	VerifySSL   *bool   `json:"verifySSL,omitempty" nullable:"true" doc:"True: the system's authorities must vouch for the certificate. False: any certificate is accepted, at your own risk. Absent on a new node: verified where that works, otherwise the certificate met at first contact is the one to trust." example:"false"`
	VerifyMode  *string `json:"verifyMode,omitempty" nullable:"true" enum:"auto,system,off" doc:"The same as verifySSL, with a word for each way; it wins. Auto is what a new node has: verified where that works, otherwise the certificate met at first contact is the one to trust."`

	MonitorVMs         *bool `json:"monitorVMs,omitempty" nullable:"true" doc:"Whether VMs are read; absent on a new node means true." example:"true"`
	MonitorContainers  *bool `json:"monitorContainers,omitempty" nullable:"true" doc:"Whether containers are read; absent on a new node means true." example:"true"`
	MonitorStorage     *bool `json:"monitorStorage,omitempty" nullable:"true" doc:"Whether storages are read; absent on a new node means true." example:"true"`
	MonitorBackups     *bool `json:"monitorBackups,omitempty" nullable:"true" doc:"Whether backups are read; absent on a new node means true." example:"true"`
	MonitorDatastores  *bool `json:"monitorDatastores,omitempty" nullable:"true" doc:"Of a backup server: whether datastores are read; absent on a new node means true." example:"true"`
	MonitorSyncJobs    *bool `json:"monitorSyncJobs,omitempty" nullable:"true" doc:"Of a backup server: whether sync jobs are read; absent on a new node means true." example:"true"`
	MonitorVerifyJobs  *bool `json:"monitorVerifyJobs,omitempty" nullable:"true" doc:"Of a backup server: whether verify jobs are read; absent on a new node means true." example:"true"`
	MonitorPruneJobs   *bool `json:"monitorPruneJobs,omitempty" nullable:"true" doc:"Of a backup server: whether prune jobs are read; absent on a new node means true." example:"true"`
	MonitorGarbageJobs *bool `json:"monitorGarbageJobs,omitempty" nullable:"true" doc:"Of a backup server: whether garbage collection is read; absent on a new node means true." example:"true"`
}

// NodeDraft describes a node to add or to try out.
type NodeDraft struct {
	_    struct{} `additionalProperties:"true"`
	Type string   `json:"type" enum:"pve,pbs" doc:"What runs there."`
	Host string   `json:"host" minLength:"1" maxLength:"2048" doc:"Its address; https and the product's port are added where they are missing." example:"https://192.168.1.100:8006"`
	NodeFields
}

// NodeChange changes a node. What is absent or null stays as it is, also the secrets, and so does a name that is empty.
type NodeChange struct {
	_    struct{} `additionalProperties:"true"`
	Type *string  `json:"type,omitempty" nullable:"true" enum:"pve,pbs" doc:"What runs there; it cannot be changed."`
	Host *string  `json:"host,omitempty" nullable:"true" minLength:"1" maxLength:"2048" doc:"Its address." example:"https://192.168.1.100:8006"`
	NodeFields
}

// NodeAdded answers the addition of a node.
type NodeAdded struct {
	Status string `json:"status" enum:"success" doc:"Always success."`
	ID     string `json:"id" doc:"The id that the node keeps." example:"pve-0"`
}

// Success answers a change that needs no more words.
type Success struct {
	Status string `json:"status" enum:"success" doc:"Always success."`
}

type (
	nodeListOutput  struct{ Body []ConfiguredNode }
	nodeDraftInput  struct{ Body NodeDraft }
	nodeAddedOutput struct{ Body NodeAdded }
	successOutput   struct{ Body Success }
	nodeIDInput     struct {
		ID string `path:"id" maxLength:"20" pattern:"^(pve|pbs)-[0-9]+$" patternDescription:"a node id, as pve-0" doc:"The id of a configured node." example:"pve-0"`
	}
	nodeChangeInput struct {
		ID   string `path:"id" maxLength:"20" pattern:"^(pve|pbs)-[0-9]+$" patternDescription:"a node id, as pve-0" doc:"The id of a configured node." example:"pve-0"`
		Body NodeChange
	}
)

const nodesPath = "/api/config/nodes"

func (a *API) registerNodes() {
	register(a, operation{
		id: "list-nodes", method: http.MethodGet, path: nodesPath, tag: tagNodes,
		summary:     "List the configured nodes",
		description: "PVE targets first, each kind by number. Secrets are never shown, only whether there is one.",
		errors:      []int{http.StatusRequestEntityTooLarge},
	}, a.listNodes)
	register(a, operation{
		id: "add-node", changes: true, method: http.MethodPost, path: nodesPath, older: true, tag: tagNodes, status: http.StatusCreated,
		summary: "Add a node",
		description: "The node is read at once. Whether it can be reached is not asked: `test-connection` does that. " +
			"The credential is a user with a password, or a token with its value.",
		errors: []int{http.StatusConflict},
	}, a.addNode)
	register(a, operation{
		id: "update-node", changes: true, method: http.MethodPut, path: nodesPath + "/{id}", older: true, tag: tagNodes,
		summary: "Change a node",
		description: "Only the fields in the body change; the node is read at once. An empty `name`, as clients send " +
			"back with a form, counts as absent, like an empty `password` or `tokenValue`.",
		errors: []int{http.StatusNotFound, http.StatusConflict},
	}, a.updateNode)
	register(a, operation{
		id: "delete-node", changes: true, method: http.MethodDelete, path: nodesPath + "/{id}", tag: tagNodes,
		summary:     "Remove a node",
		description: "What was learned about it is forgotten. Its id is not given again.",
		errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, a.deleteNode)
}

func (a *API) listNodes(context.Context, *struct{}) (*nodeListOutput, error) {
	targets := a.opt.Monitor.Snapshot().Targets
	out := &nodeListOutput{Body: make([]ConfiguredNode, 0, len(targets))}
	for _, t := range targets {
		out.Body = append(out.Body, configuredNode(t))
	}
	return out, nil
}

func (a *API) addNode(ctx context.Context, in *nodeDraftInput) (*nodeAddedOutput, error) {
	done, err := a.changes.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("add node: %w", err)
	}
	defer done()
	kind, patch := in.Body.draft()
	added, err := a.opt.Monitor.AddTarget(ctx, kind, patch)
	if err != nil {
		return nil, fmt.Errorf("add node: %w", err)
	}
	return &nodeAddedOutput{Body: NodeAdded{Status: "success", ID: string(added.ID)}}, nil
}

func (a *API) updateNode(ctx context.Context, in *nodeChangeInput) (*successOutput, error) {
	id := estate.TargetID(in.ID)
	if in.Body.Type != nil && *in.Body.Type != string(id.Kind()) {
		return nil, &config.FieldError{Field: "type", Reason: "cannot be changed; add another node instead"}
	}
	done, err := a.changes.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("update node: %w", err)
	}
	defer done()
	if state, ok := a.opt.Monitor.Snapshot().Target(id); ok {
		in.Body.forgetShown(state.Config)
	}
	patch := in.Body.patch()
	patch.Address = in.Body.Host
	if patch.Name != nil && strings.TrimSpace(*patch.Name) == "" {
		patch.Name = nil // otherwise the host would become its name
	}
	if _, err := a.opt.Monitor.UpdateTarget(ctx, id, patch); err != nil {
		return nil, fmt.Errorf("update node: %w", err)
	}
	return &successOutput{Body: Success{Status: "success"}}, nil
}

func (a *API) deleteNode(ctx context.Context, in *nodeIDInput) (*successOutput, error) {
	if err := a.opt.Monitor.RemoveTarget(ctx, estate.TargetID(in.ID)); err != nil {
		return nil, fmt.Errorf("remove node: %w", err)
	}
	return &successOutput{Body: Success{Status: "success"}}, nil
}

func (d *NodeDraft) draft() (estate.TargetKind, pulse.TargetPatch) {
	patch := d.patch()
	patch.Address = &d.Host
	return estate.TargetKind(d.Type), patch
}

func (f *NodeFields) patch() pulse.TargetPatch {
	tokenID := f.TokenName
	if tokenID == nil || *tokenID == "" {
		tokenID = f.TokenID
	}
	return pulse.TargetPatch{
		Name: f.Name, User: f.User, Password: secret(f.Password), TokenID: tokenID, TokenSecret: secret(f.TokenValue),
		Fingerprint: f.Fingerprint, Verify: f.verify(),
		Collect: pulse.CollectPatch{
			VMs: f.MonitorVMs, Containers: f.MonitorContainers, Storage: f.MonitorStorage, Backups: f.MonitorBackups,
			Datastores: f.MonitorDatastores, SyncJobs: f.MonitorSyncJobs, VerifyJobs: f.MonitorVerifyJobs,
			PruneJobs: f.MonitorPruneJobs, GarbageJobs: f.MonitorGarbageJobs,
		},
	}
}

// forgetShown leaves out how the certificate is judged where it is what the client was shown. Clients send back all they
// were shown and change one thing, and verifySSL says less than what is kept.
func (f *NodeFields) forgetShown(t config.Target) {
	if f.VerifySSL != nil && *f.VerifySSL == verifies(t) {
		f.VerifySSL = nil
	}
	if f.VerifyMode != nil && *f.VerifyMode == verifyMode(t.Verify) {
		f.VerifyMode = nil
	}
}

// verify is how the certificate is to be judged; nil where nothing is said about it.
func (f *NodeFields) verify() *config.VerifyMode {
	var mode config.VerifyMode
	switch {
	case f.VerifyMode != nil && *f.VerifyMode == verifyAuto:
		mode = config.VerifyAuto
	case f.VerifyMode != nil:
		mode = config.VerifyMode(*f.VerifyMode)
	case f.VerifySSL != nil:
		mode = config.VerifyModeOf(f.VerifySSL)
	default:
		return nil
	}
	return &mode
}

func secret(text *string) *config.Secret {
	if text == nil {
		return nil
	}
	s := config.NewSecret(*text)
	return &s
}

// verifies is the verifySSL that clients are shown.
func verifies(t config.Target) bool { return t.Verify != config.VerifyOff }
