package api

import (
	"context"
	"net/http"
)

// SecurityStatus tells how the API is guarded.
type SecurityStatus struct {
	APITokenConfigured        bool `json:"apiTokenConfigured" doc:"Whether an API token is set." example:"true"`
	RequiresAuth              bool `json:"requiresAuth" doc:"Whether operations need it." example:"true"`
	ExportProtected           bool `json:"exportProtected" doc:"Whether the configuration cannot be exported without a token." example:"true"`
	UnprotectedExportAllowed  bool `json:"unprotectedExportAllowed" doc:"Whether ALLOW_UNPROTECTED_EXPORT is set." example:"false"`
	RegistrationTokensEnabled bool `json:"registrationTokensEnabled" doc:"Whether hosts register themselves with tokens of their own." example:"false"`
}

type securityOutput struct{ Body SecurityStatus }

func (a *API) registerSecurity() {
	register(a, operation{
		id: "get-security-status", method: http.MethodGet, path: "/api/security/status", tag: tagService,
		summary:     "Tell whether a token is needed",
		description: "A client asks here first, to know whether it has to ask a person for a token.",
	}, a.getSecurity)
}

func (a *API) getSecurity(context.Context, *struct{}) (*securityOutput, error) {
	return &securityOutput{Body: SecurityStatus{
		APITokenConfigured:       a.guarded,
		RequiresAuth:             a.guarded,
		ExportProtected:          a.guarded || !a.opt.AllowUnprotectedExport,
		UnprotectedExportAllowed: a.opt.AllowUnprotectedExport,
	}}, nil
}
