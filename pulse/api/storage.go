package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// StorageList holds storages.
type StorageList struct {
	Data      []Storage `json:"data" nullable:"false" doc:"The storages."`
	Timestamp int64     `json:"timestamp" doc:"When they were observed, in seconds since 1970." example:"1754995749"`
}

// StorageEntry holds one storage.
type StorageEntry struct {
	Data      Storage `json:"data" doc:"The storage."`
	Timestamp int64   `json:"timestamp" doc:"When it was observed, in seconds since 1970." example:"1754995749"`
}

type storageInput struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the document that the client has."`
	ID          string `path:"id" maxLength:"500" doc:"The id or uid of a storage, or of a node." example:"pve1-pve1-local-lvm"`
}

func (a *API) registerStorage() {
	success, more := a.documentResponses(StorageList{}, "Every storage.")
	register(a, operation{
		id: "list-storage", method: http.MethodGet, path: "/api/storage", tag: tagState,
		summary:     "List the storages",
		description: "`/api/storage/` is the same.",
		success:     success, more: more,
	}, a.listStorage)
	success, more = a.documentResponses(StorageEntry{}, "The storage, or the storages of the node.")
	success.Content[contentTypeJSON].Schema = &huma.Schema{
		AnyOf: []*huma.Schema{a.schemaOf(StorageEntry{}), a.schemaOf(StorageList{})},
	}
	register(a, operation{
		id: "get-storage", method: http.MethodGet, path: "/api/storage/{id}", tag: tagState,
		summary: "Read one storage, or those of a node",
		description: "A storage's id gives that storage; a node's id gives the list of its storages, with the shared " +
			"ones that are active there.",
		errors:  []int{http.StatusBadRequest, http.StatusNotFound},
		success: success, more: more,
	}, a.getStorage)
}

func (a *API) listStorage(context.Context, *conditionalInput) (*documentOutput, error) {
	return document(a.opt.Monitor.Snapshot().Wire.StorageList()), nil
}

func (a *API) getStorage(_ context.Context, in *storageInput) (*documentOutput, error) {
	found, ok := a.opt.Monitor.Snapshot().Wire.Storage(in.ID)
	if !ok {
		return nil, newError(http.StatusNotFound, "There is no storage and no node with this id")
	}
	return document(found), nil
}
