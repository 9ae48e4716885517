package clients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	pulseclient "github.com/proxpulse/proxpulse/openapi/clients/go"
	"github.com/proxpulse/proxpulse/tests/lab"
)

// call is an operation and how the Go client asks for it.
type call struct {
	operation string
	do        func(context.Context, *pulseclient.Pulse) error
}

func TestGoClientRunsEveryOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var outcomes [2][]outcome
	for i, token := range []string{"", apiToken} {
		p := s.client(token)
		for _, c := range s.calls() {
			outcomes[i] = append(outcomes[i], outcomeOf(t, c.operation, c.do(ctx, p)))
		}
	}
	judgeOutcomes(t, outcomes[0], outcomes[1])
	s.askedForAll()

	p := s.client(apiToken)
	_, missing := p.DeleteNodeWithResponse(ctx, "pve-77")
	_, invalid := p.AddNodeWithResponse(ctx, pulseclient.NodeDraft{Type: pulseclient.NodeDraftTypePVE})
	judgeRefusals(t, outcomeOf(t, "delete-node", missing), outcomeOf(t, "add-node", invalid))

	again, err := p.ListStorageWithResponse(ctx, &pulseclient.ListStorageParams{IfNoneMatch: new("*")})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotModified, again.StatusCode())
	require.Nil(t, again.JSON200)
}

func (s *site) client(token string) *pulseclient.Pulse {
	s.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	p, err := pulseclient.New(s.url, token, pulseclient.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(s.t, err)
	return p
}

// outcomeOf is the outcome of a call; an error that is not the client's own fails the test.
func outcomeOf(t *testing.T, operation string, err error) outcome {
	t.Helper()
	o := outcome{Operation: operation}
	if err == nil {
		return o
	}
	var refused *pulseclient.Error
	require.ErrorAs(t, err, &refused, operation)
	require.NotEmpty(t, refused.RequestID, operation)
	o.Status, o.Message = refused.Status, refused.Message
	for _, d := range refused.Details {
		o.Details = append(o.Details, struct{ Location, Message string }{d.Location, d.Message})
	}
	return o
}

// calls are all operations, in an order in which each can succeed.
func (s *site) calls() []call {
	draft := pulseclient.NodeDraft{
		Type: pulseclient.NodeDraftTypePVE, Name: new("home"), Host: s.draft["host"],
		TokenName: new(s.draft["tokenName"]), TokenValue: new(s.draft["tokenValue"]),
	}
	change := pulseclient.SystemChange{PollingInterval: new(int64(2))}
	return []call{
		{"get-health", plain((*generated).GetHealthWithResponse)},
		{"get-ready", plain((*generated).GetReadyWithResponse)},
		{"get-version", plain((*generated).GetVersionWithResponse)},
		{"get-security-status", plain((*generated).GetSecurityStatusWithResponse)},
		{"get-config", plain((*generated).GetConfigWithResponse)},
		{"update-system-settings", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.UpdateSystemSettingsWithResponse(ctx, change))
		}},
		{"post-system-settings", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.PostSystemSettingsWithResponse(ctx, change))
		}},
		{"get-system-settings", func(ctx context.Context, p *pulseclient.Pulse) error {
			settings, err := p.GetSystemSettingsWithResponse(ctx)
			if err == nil && settings.JSON200.PollingInterval != 2 {
				err = fmt.Errorf("the polling interval is %v", settings.JSON200.PollingInterval)
			}
			return err
		}},
		{"test-connection", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.TestConnectionWithResponse(ctx, draft))
		}},
		{"test-config", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.TestConfigWithResponse(ctx, draft))
		}},
		{"add-node", func(ctx context.Context, p *pulseclient.Pulse) error {
			added, err := p.AddNodeWithResponse(ctx, draft)
			if err == nil && added.JSON201.ID != "pve-0" {
				err = fmt.Errorf("the id is %s", added.JSON201.ID)
			}
			return err
		}},
		{"list-nodes", func(ctx context.Context, p *pulseclient.Pulse) error {
			nodes, err := p.ListNodesWithResponse(ctx)
			if err == nil && (*nodes.JSON200)[0].Name != "home" {
				err = errors.New("the node is not in the list")
			}
			return err
		}},
		{"test-node", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.TestNodeWithResponse(ctx, "pve-0"))
		}},
		{"update-node", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.UpdateNodeWithResponse(ctx, "pve-0", pulseclient.NodeChange{MonitorBackups: new(true)}))
		}},
		{"get-state", awaitState},
		{"list-storage", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.ListStorageWithResponse(ctx, nil))
		}},
		{"get-storage", readStorage},
		{"get-diagnostics", plain((*generated).GetDiagnosticsWithResponse)},
		{"discover", plain((*generated).DiscoverWithResponse)},
		{"get-openapi-json", plain((*generated).GetOpenAPIJSONWithResponse)},
		{"get-openapi-yaml", plain((*generated).GetOpenAPIYAMLWithResponse)},
		{"stream", followStream},
		{"delete-node", func(ctx context.Context, p *pulseclient.Pulse) error {
			return second(p.DeleteNodeWithResponse(ctx, "pve-0"))
		}},
	}
}

// generated is where the client's methods are.
type generated = pulseclient.ClientWithResponses

// plain calls a method that needs nothing but the operation.
func plain[T any](
	method func(*generated, context.Context, ...pulseclient.RequestEditorFn) (T, error),
) func(context.Context, *pulseclient.Pulse) error {
	return func(ctx context.Context, p *pulseclient.Pulse) error {
		return second(method(p.ClientWithResponses, ctx))
	}
}

// second leaves an answer aside.
func second(_ any, err error) error { return err }

// awaitState reads the state until the estate is in it.
func awaitState(ctx context.Context, p *pulseclient.Pulse) error {
	var refused *pulseclient.Error
	err := lab.Await(ctx, "the estate", func(ctx context.Context) error {
		state, err := p.GetStateWithResponse(ctx, nil)
		if errors.As(err, &refused) {
			return nil // waiting does not help
		}
		if err == nil && len(state.JSON200.VMs)+len(state.JSON200.Containers) != 3 {
			err = errors.New("not all guests are there")
		}
		return err
	})
	if refused != nil {
		return refused
	}
	return err
}

// readStorage reads the storages of a node, and then the first of them.
func readStorage(ctx context.Context, p *pulseclient.Pulse) error {
	found, err := p.GetStorageWithResponse(ctx, "pve-0", nil)
	if err != nil {
		return err
	}
	list, err := found.JSON200.AsStorageList()
	if err != nil {
		return err
	}
	if found, err = p.GetStorageWithResponse(ctx, list.Data[0].UID, nil); err != nil {
		return err
	}
	entry, err := found.JSON200.AsStorageEntry()
	if err == nil && entry.Data.Name != list.Data[0].Name {
		err = fmt.Errorf("%s is not %s", entry.Data.Name, list.Data[0].Name)
	}
	return err
}

// followStream reads the first messages of a stream, and an answer to its own.
func followStream(ctx context.Context, p *pulseclient.Pulse) (err error) {
	stream, err := p.Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	if err := stream.Send(pulseclient.StreamRequest{Type: "ping"}); err != nil {
		return err
	}
	for _, want := range []string{"welcome", "initialState", "pong"} {
		for kind := ""; kind != want; {
			m, err := stream.Next(ctx)
			if err != nil {
				return err
			}
			if _, err := m.ValueByDiscriminator(); err != nil {
				return err
			}
			if kind, err = m.Discriminator(); err != nil {
				return err
			}
		}
	}
	return nil
}
