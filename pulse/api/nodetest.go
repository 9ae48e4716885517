package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// TestResult is what a successful try found.
type TestResult struct {
	Status           string       `json:"status" enum:"success" doc:"Always success."`
	Message          string       `json:"message" doc:"The outcome as a sentence." example:"Successfully connected to 3 node(s)"`
	IsCluster        *bool        `json:"isCluster,omitempty" doc:"Of PVE: whether it is a cluster."`
	NodeCount        *int         `json:"nodeCount,omitempty" doc:"Of PVE: how many nodes there are." example:"3"`
	ClusterNodeCount *int         `json:"clusterNodeCount,omitempty" doc:"Of a PVE cluster: how many nodes it has." example:"3"`
	DatastoreCount   *int         `json:"datastoreCount,omitempty" doc:"Of a backup server: how many datastores the credential sees." example:"1"`
	Type             string       `json:"type" enum:"pve,pbs" doc:"What runs there."`
	Host             string       `json:"host" doc:"The address as it was understood." example:"https://192.168.1.100:8006"`
	Version          string       `json:"version" doc:"The version that it runs." example:"9.2.11"`
	ClusterName      string       `json:"clusterName,omitempty" doc:"The cluster's name." example:"prod"`
	Nodes            []TestedNode `json:"nodes" nullable:"false" doc:"The nodes; none for a backup server."`
	Fingerprint      string       `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate that was offered."`
	TrustedBy        string       `json:"trustedBy" enum:"fingerprint,system,pin,cluster,nobody" doc:"Why the certificate was accepted."`
	Abilities        []Ability    `json:"abilities" nullable:"false" doc:"What the credential lets Pulse see."`
	ClockSkewSeconds *float64     `json:"clockSkewSeconds,omitempty" doc:"How far the server's clock is ahead of Pulse's, where it told the time." example:"0"`
}

// TestedNode is a node of a tried target.
type TestedNode struct {
	Name   string `json:"name" doc:"Its name." example:"pve1"`
	Online bool   `json:"online" doc:"Whether the cluster sees it." example:"true"`
}

// Ability is something Pulse can show, and whether the credential suffices for it.
type Ability struct {
	Name      string `json:"name" doc:"One word for programs." example:"guests"`
	Title     string `json:"title" doc:"The same for people." example:"VMs and containers"`
	Granted   bool   `json:"granted" doc:"Whether the right is there." example:"true"`
	Partial   bool   `json:"partial,omitempty" doc:"True where it is there for some objects only."`
	Path      string `json:"path,omitempty" doc:"Where it is needed." example:"/vms"`
	Privilege string `json:"privilege,omitempty" doc:"What is needed; alternatives are separated by |." example:"VM.Audit"`
	Command   string `json:"command,omitempty" doc:"Grants it, when run on the Proxmox host; absent when granted."`
}

// TestFailure is what a failed try found.
type TestFailure struct {
	Message string      `json:"error" doc:"What failed, as one sentence." example:"nothing listens at 192.168.1.100:8006"`
	Status  string      `json:"status" enum:"error" doc:"Always error."`
	Failure FailedStage `json:"failure" doc:"The same for programs."`
}

// FailedStage says what failed in a try.
type FailedStage struct {
	Stage               string `json:"stage" enum:"address,dns,refused,timeout,connect,tls,credentials,privilege,not-proxmox,wrong-kind,server" doc:"How far the try came."`
	OfferedFingerprint  string `json:"offeredFingerprint,omitempty" doc:"SHA-256 of the certificate that was offered; send it as fingerprint to accept it."`
	ExpectedFingerprint string `json:"expectedFingerprint,omitempty" doc:"SHA-256 of the certificate that was expected."`
	Privilege           string `json:"privilege,omitempty" doc:"The privilege that is missing." example:"Sys.Audit"`
	Path                string `json:"path,omitempty" doc:"Where it is missing." example:"/"`
	Command             string `json:"command,omitempty" doc:"Grants it, when run on the Proxmox host."`
}

// Error returns the sentence.
func (f *TestFailure) Error() string { return f.Message }

// GetStatus returns the HTTP status.
func (f *TestFailure) GetStatus() int { return http.StatusBadRequest }

// TestOutcome is the outcome of a try in the form of the older paths, which answer 200 to a failure too.
type TestOutcome struct {
	Status  string       `json:"status" enum:"success,error" doc:"How it went."`
	Message string       `json:"message" doc:"The outcome as a sentence." example:"Connected to PVE cluster with 3 nodes"`
	Latency *int64       `json:"latency,omitempty" doc:"How long it took, in milliseconds; absent after a failure." example:"43"`
	Failure *FailedStage `json:"failure,omitempty" doc:"What failed, where the target was asked."`
}

type (
	testResultOutput  struct{ Body TestResult }
	testOutcomeOutput struct{ Body TestOutcome }
)

func (a *API) registerNodeTests() {
	register(a, operation{
		id: "test-connection", method: http.MethodPost, path: nodesPath + "/test-connection", older: true, tag: tagNodes,
		summary: "Try out a node before it is added",
		description: "Nothing is stored. A failure is 400 with one sentence that says what failed: the name, the " +
			"connection, the certificate (with the fingerprint that was offered), the credential, or a missing " +
			"privilege with the command that grants it. `clockSkewSeconds` is seconds, positive where the server is ahead.",
		timeout: targetTimeout,
		more: map[string]*huma.Response{"400": {
			Description: "The body is not valid, or the try failed.",
			Content: map[string]*huma.MediaType{contentTypeJSON: {Schema: &huma.Schema{
				AnyOf: []*huma.Schema{a.schemaOf(TestFailure{}), a.schemaOf(Error{})},
			}}},
		}},
	}, a.testConnection)
	register(a, operation{
		id: "test-config", method: http.MethodPost, path: nodesPath + "/test-config", older: true, tag: tagNodes,
		summary:     "Try out a node before it is added, as older clients do",
		description: "A failed try is answered with 200 and the status error. `latency` is milliseconds.",
		timeout:     targetTimeout,
	}, a.testConfig)
	register(a, operation{
		id: "test-node", method: http.MethodPost, path: nodesPath + "/{id}/test", tag: tagNodes,
		summary:     "Try out a configured node",
		description: "A failed try, and an unknown node, are answered with 200 and the status error. `latency` is milliseconds.",
		timeout:     targetTimeout,
	}, a.testNode)
}

func (a *API) testConnection(ctx context.Context, in *nodeDraftInput) (*testResultOutput, error) {
	done, err := a.tries.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("test connection: %w", err)
	}
	defer done()
	kind, patch := in.Body.draft()
	found, err := a.opt.Monitor.ProbeDraft(ctx, kind, patch)
	if failure := testFailure(err); failure != nil {
		return nil, failure
	}
	if err != nil {
		return nil, fmt.Errorf("test connection: %w", err)
	}
	return &testResultOutput{Body: testResult(found)}, nil
}

func (a *API) testConfig(ctx context.Context, in *nodeDraftInput) (*testOutcomeOutput, error) {
	done, err := a.tries.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("test node: %w", err)
	}
	defer done()
	kind, patch := in.Body.draft()
	started := time.Now()
	found, err := a.opt.Monitor.ProbeDraft(ctx, kind, patch)
	return testOutcome(found, err, time.Since(started))
}

func (a *API) testNode(ctx context.Context, in *nodeIDInput) (*testOutcomeOutput, error) {
	done, err := a.tries.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("test node: %w", err)
	}
	defer done()
	started := time.Now()
	found, err := a.opt.Monitor.ProbeTarget(ctx, estate.TargetID(in.ID))
	return testOutcome(found, err, time.Since(started))
}

func testResult(found proxmox.ProbeResult) TestResult {
	r := TestResult{
		Status: "success", Type: string(found.Kind), Host: found.Address, Version: found.Version.Version,
		ClusterName: found.ClusterName, TrustedBy: string(found.TrustedBy),
		Nodes: make([]TestedNode, 0, len(found.Nodes)), Abilities: make([]Ability, 0, len(found.Abilities)),
	}
	for _, n := range found.Nodes {
		r.Nodes = append(r.Nodes, TestedNode(n))
	}
	for _, ability := range found.Abilities {
		r.Abilities = append(r.Abilities, Ability(ability))
	}
	if !found.Fingerprint.IsZero() {
		r.Fingerprint = found.Fingerprint.String()
	}
	if skew, known := found.ClockSkew.Get(); known {
		s := skew.Seconds()
		r.ClockSkewSeconds = &s
	}
	r.count(found)
	return r
}

func (r *TestResult) count(found proxmox.ProbeResult) {
	if found.Kind == proxmox.PBS {
		count := len(found.Datastores)
		r.Message = fmt.Sprintf("Successfully connected. Found %d datastore(s)", count)
		r.DatastoreCount = &count
		return
	}
	count := len(found.Nodes)
	cluster := found.ClusterName != "" || count > 1 // its name takes a right of its own
	r.Message = fmt.Sprintf("Successfully connected to %d node(s)", count)
	r.NodeCount, r.IsCluster = &count, &cluster
	if cluster {
		r.ClusterNodeCount = &count
	}
}

// testFailure is the failure of a try for clients; nil for every other error.
func testFailure(err error) *TestFailure {
	var failed *proxmox.ProbeError
	if !errors.As(err, &failed) {
		return nil
	}
	f := &TestFailure{Message: failed.Sentence, Status: "error", Failure: FailedStage{
		Stage: string(failed.Stage), Privilege: failed.Privilege, Path: failed.Path, Command: failed.Command,
	}}
	if !failed.Offered.IsZero() {
		f.Failure.OfferedFingerprint = failed.Offered.String()
	}
	if !failed.Expected.IsZero() {
		f.Failure.ExpectedFingerprint = failed.Expected.String()
	}
	return f
}

func testOutcome(found proxmox.ProbeResult, err error, took time.Duration) (*testOutcomeOutput, error) {
	var field *config.FieldError
	failure := testFailure(err)
	outcome := TestOutcome{Status: "error"}
	switch {
	case failure != nil:
		outcome.Message, outcome.Failure = failure.Message, &failure.Failure
	case errors.As(err, &field):
		outcome.Message = field.Error()
	case errors.Is(err, pulse.ErrNotFound):
		outcome.Message = "Node not found"
	case err != nil:
		return nil, fmt.Errorf("test node: %w", err)
	default:
		milliseconds := took.Milliseconds()
		outcome.Status, outcome.Latency = "success", &milliseconds
		outcome.Message = "Connected to PBS"
		if found.Kind != proxmox.PBS {
			outcome.Message = fmt.Sprintf("Connected to PVE cluster with %d nodes", len(found.Nodes))
		}
	}
	return &testOutcomeOutput{Body: outcome}, nil
}
