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
	schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	register(a, operation{
		id: "get-openapi-" + form, method: http.MethodGet, path: "/api/openapi." + form, tag: tagService,
		summary: "Read this document as " + map[string]string{"json": "JSON", "yaml": "YAML"}[form],
		success: &huma.Response{
			Description: "The OpenAPI 3.1 document.",
			Content:     map[string]*huma.MediaType{contentType: {Schema: schema}},
		},
	}, func(context.Context, *struct{}) (*specOutput, error) {
		return &specOutput{ContentType: contentType, Body: spec}, nil
	})
}
