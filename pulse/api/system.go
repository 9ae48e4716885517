package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
)

// SystemSettings are the settings of Pulse as a whole.
type SystemSettings struct {
	PollingInterval   float64 `json:"pollingInterval" doc:"Seconds between two full readings of a target." example:"10"`
	BackendPort       int     `json:"backendPort" doc:"A leftover that older clients expect; nothing listens there." example:"3000"`
	FrontendPort      int     `json:"frontendPort" doc:"The port of the page, the API and the WebSocket." example:"7655"`
	AllowedOrigins    string  `json:"allowedOrigins" doc:"Web origins that may use the API beside Pulse's own, separated by commas." example:"https://pulse.example.com"`
	ConnectionTimeout float64 `json:"connectionTimeout" doc:"Seconds that one quick request to a target may take." example:"10"`
	UpdateChannel     string  `json:"updateChannel,omitempty" doc:"The channel that updates come from." example:"stable"`
	AutoUpdateEnabled bool    `json:"autoUpdateEnabled" doc:"Whether Pulse updates itself." example:"false"`
}

// SystemChange changes settings. What is absent or null stays as it is.
type SystemChange struct {
	_                 struct{} `additionalProperties:"true"`
	PollingInterval   *int     `json:"pollingInterval,omitempty" nullable:"true" minimum:"2" maximum:"3600" doc:"Seconds between two full readings of a target." example:"10"`
	ConnectionTimeout *int     `json:"connectionTimeout,omitempty" nullable:"true" minimum:"1" maximum:"120" doc:"Seconds that one quick request to a target may take." example:"10"`
	AllowedOrigins    *string  `json:"allowedOrigins,omitempty" nullable:"true" maxLength:"10000" doc:"Web origins that may use the API beside Pulse's own, separated by commas; empty for none. \"*\" allows all, and needs an API token." example:"https://pulse.example.com"`
}

// SystemChanged answers a change of the settings.
type SystemChanged struct {
	Status          string  `json:"status" enum:"success" doc:"Always success."`
	Message         string  `json:"message" doc:"What is in force now, as a sentence." example:"Polling interval updated to 10 seconds"`
	PollingInterval float64 `json:"pollingInterval" doc:"Seconds between two full readings of a target, as they are now." example:"10"`
}

type (
	systemOutput        struct{ Body SystemSettings }
	systemInput         struct{ Body SystemChange }
	systemChangedOutput struct{ Body SystemChanged }
)

func (a *API) registerSystem() {
	const path = "/api/config/system"
	register(a, operation{
		id: "get-system-settings", method: http.MethodGet, path: path, tag: tagSystem,
		summary:     "Read the settings",
		description: "`pollingInterval` and `connectionTimeout` are seconds.",
	}, a.getSystem)
	for id, method := range map[string]string{
		"update-system-settings": http.MethodPut, "post-system-settings": http.MethodPost,
	} {
		register(a, operation{
			id: id, changes: true, method: method, path: path, older: true, tag: tagSystem,
			summary: "Change settings",
			description: "Only the settings in the body change, and are in force at once. Fields that are not settings, " +
				"as the ports, are ignored. `pollingInterval` is from 2 to 3600 seconds, `connectionTimeout` from 1 to 120 " +
				"seconds. PUT and POST do the same.",
		}, a.updateSystem)
	}
}

// olderBackendPort is what earlier releases showed, though nothing listens there.
const olderBackendPort = 3000

func (a *API) getSystem(context.Context, *struct{}) (*systemOutput, error) {
	s := a.opt.Monitor.Settings()
	shown := slices.Concat(a.opt.AllowedOrigins, s.AllowedOrigins)
	slices.Sort(shown)
	return &systemOutput{Body: SystemSettings{
		PollingInterval:   s.PollingInterval.Seconds(),
		BackendPort:       olderBackendPort,
		FrontendPort:      a.opt.Port,
		AllowedOrigins:    strings.Join(slices.Compact(shown), ","),
		ConnectionTimeout: s.ConnectionTimeout.Seconds(),
		UpdateChannel:     a.opt.Version.Channel,
	}}, nil
}

func (a *API) updateSystem(ctx context.Context, in *systemInput) (*systemChangedOutput, error) {
	patch := pulse.SettingsPatch{
		PollingInterval:   seconds(in.Body.PollingInterval),
		ConnectionTimeout: seconds(in.Body.ConnectionTimeout),
	}
	if in.Body.AllowedOrigins != nil {
		origins, err := a.ownOrigins(*in.Body.AllowedOrigins)
		if err != nil {
			return nil, err
		}
		patch.AllowedOrigins = &origins
	}
	s, err := a.opt.Monitor.UpdateSettings(ctx, patch)
	if err != nil {
		return nil, fmt.Errorf("change settings: %w", err)
	}
	interval := s.PollingInterval.Seconds()
	return &systemChangedOutput{Body: SystemChanged{
		Status: "success", Message: fmt.Sprintf("Polling interval updated to %g seconds", interval),
		PollingInterval: interval,
	}}, nil
}

// ownOrigins reads a list of origins for the settings. Those of the options are shown with them, so a client sends them
// back; they stay with the options.
func (a *API) ownOrigins(list string) ([]string, error) {
	origins := slices.DeleteFunc(config.ParseOrigins(list), func(origin string) bool {
		return slices.Contains(a.opt.AllowedOrigins, origin)
	})
	if !a.guarded && slices.Contains(origins, "*") {
		return nil, &config.FieldError{Field: "allowedOrigins", Reason: `"*" needs an API token: set API_TOKEN first`}
	}
	return origins, nil
}

// seconds reads a number of seconds. One that no duration can hold becomes one that no setting allows.
func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	const most = int(math.MaxInt32)
	d := time.Duration(max(-most, min(*n, most))) * time.Second
	return &d
}
