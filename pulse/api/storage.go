package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/proxpulse/proxpulse/pulse/estate"
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
	ID          string `path:"id" maxLength:"500" doc:"The id or uid of a storage or of a node, the id of a configured PVE node, or the name of a node." example:"pve1-pve1-local-lvm"`
}

func (a *API) registerStorage() {
	register(a, operation{
		id: "list-storage", method: http.MethodGet, path: "/api/storage", tag: tagState,
		summary:     "List the storages",
		description: "Sizes are bytes, `usage` is a percentage from 0 to 100. `/api/storage/` is the same.",
		errors:      []int{http.StatusRequestEntityTooLarge},
		success:     a.documentResponse(StorageList{}, "Every storage."),
	}, a.listStorage)
	success := a.documentResponse(StorageEntry{}, "The storage, or a list of storages.")
	success.Content[contentTypeJSON].Schema = named(a.huma.OpenAPI().Components.Schemas, "StorageFound", &huma.Schema{
		AnyOf:       []*huma.Schema{a.schemaOf(StorageEntry{}), a.schemaOf(StorageList{})},
		Description: "A storage, or the list of a node's.",
	})
	register(a, operation{
		id: "get-storage", method: http.MethodGet, path: "/api/storage/{id}", tag: tagState,
		summary: "Read one storage, or those of a node",
		description: "A storage's id gives that storage; a node's id gives the list of its storages, with the shared " +
			"ones that are active there. The node's name alone will do where no other configured node has a node of " +
			"that name. The id of a configured node, as pve-0, gives all storages of that cluster or host. A backup " +
			"server has datastores and no storages, so its id is answered with 404; `pbs` in `/api/state` has them. Sizes " +
			"are bytes, `usage` is a percentage from 0 to 100.",
		errors:  []int{http.StatusNotFound, http.StatusRequestEntityTooLarge},
		success: success,
	}, a.getStorage)
}

func (a *API) listStorage(context.Context, *conditionalInput) (*documentOutput, error) {
	return document(a.opt.Monitor.Snapshot().Wire.StorageList()), nil
}

func (a *API) getStorage(_ context.Context, in *storageInput) (*documentOutput, error) {
	snapshot := a.opt.Monitor.Snapshot()
	found, ok := snapshot.Wire.Storage(in.ID)
	if ok {
		return document(found), nil
	}
	if id := estate.TargetID(in.ID); id.Kind() == estate.PBS {
		if _, ok := snapshot.Target(id); ok {
			return nil, newError(http.StatusNotFound,
				"A backup server has datastores and no storages; they are under pbs in /api/state")
		}
	}
	return nil, newError(http.StatusNotFound,
		"There is no storage and no node with this id, and no node or more than one with this name")
}
