package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/proxpulse/proxpulse/openapi"
)

// specOutput answers with the generated document.
type specOutput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (a *API) registerOpenAPI() {
	a.registerSpec("json", contentTypeJSON, openapi.JSON)
	a.registerSpec("yaml", "application/yaml", openapi.YAML)
}

func (a *API) registerSpec(form, contentType string, spec []byte) {
	info := a.huma.OpenAPI().Info
	beginning := map[string]any{
		"openapi": a.huma.OpenAPI().OpenAPI, "info": map[string]any{"title": info.Title, "version": info.Version},
	}
	schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	register(a, operation{
		id: "get-openapi-" + form, method: http.MethodGet, path: "/api/openapi." + form, tag: tagService,
		summary:     "Read this document as " + map[string]string{"json": "JSON", "yaml": "YAML"}[form],
		description: "OpenAPI 3.1 as it belongs to the running release. It is the same whatever is configured.",
		success: &huma.Response{
			Description: "The OpenAPI 3.1 document. The example is its beginning.",
			Content:     map[string]*huma.MediaType{contentType: {Schema: schema, Example: beginning}},
		},
	}, func(context.Context, *struct{}) (*specOutput, error) {
		return &specOutput{ContentType: contentType, Body: spec}, nil
	})
}
