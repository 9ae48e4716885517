package config

import (
	"strings"
	"time"
	"unicode"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// maxPathLength bounds the name of a file.
const maxPathLength = 4096

// entry is one declared target while its fields are put together.
type entry struct {
	Declared
	kind      estate.TargetKind
	tokenName string // the other name of Target.TokenID
	verifySSL *bool
	interval  duration
	monitor   [len(collectFlags)]*bool
}

// collectFlags are the wire names of what may be collected.
var collectFlags = [...]struct {
	name string
	of   func(*Collect) *bool
}{
	{"monitorVMs", func(c *Collect) *bool { return &c.VMs }},
	{"monitorContainers", func(c *Collect) *bool { return &c.Containers }},
	{"monitorStorage", func(c *Collect) *bool { return &c.Storage }},
	{"monitorBackups", func(c *Collect) *bool { return &c.Backups }},
	{"monitorDatastores", func(c *Collect) *bool { return &c.Datastores }},
	{"monitorSyncJobs", func(c *Collect) *bool { return &c.SyncJobs }},
	{"monitorVerifyJobs", func(c *Collect) *bool { return &c.VerifyJobs }},
	{"monitorPruneJobs", func(c *Collect) *bool { return &c.PruneJobs }},
	{"monitorGarbageJobs", func(c *Collect) *bool { return &c.GarbageJobs }},
}

func decodeEntry(data []byte) (Declared, error) {
	var e entry
	if err := decodeFields(data, e.fields()); err != nil {
		return Declared{}, err
	}
	e.Target.ID = estate.TargetID(e.kind)
	e.Target.Verify = VerifyModeOf(e.verifySSL)
	e.Target.Interval = time.Duration(e.interval)
	for _, step := range []func() *FieldError{e.Target.validKind, e.takeCollect, e.takeTokenName, e.validFiles} {
		if err := step(); err != nil {
			return Declared{}, err
		}
	}
	if err := e.finish(); err != nil {
		return Declared{}, err
	}
	return e.Declared, nil
}

// fields returns where each field of the JSON form goes.
func (e *entry) fields() map[string]any {
	t := &e.Target
	fields := map[string]any{
		"type": &e.kind, "name": &t.Name, "host": &t.Address,
		"user": &t.User, "password": &t.Password, "passwordFile": &e.PasswordFile,
		"tokenId": &t.TokenID, "tokenName": &e.tokenName,
		"tokenValue": &t.TokenSecret, "tokenValueFile": &e.TokenValueFile,
		"fingerprint": &t.Fingerprint, "verifySSL": &e.verifySSL, "interval": &e.interval,
	}
	for i, flag := range collectFlags {
		fields[flag.name] = &e.monitor[i]
	}
	return fields
}

// takeCollect turns off what the entry turns off. What the kind does not have cannot be named.
func (e *entry) takeCollect() *FieldError {
	all := CollectAll(e.kind)
	e.Target.Collect = all
	for i, flag := range collectFlags {
		if e.monitor[i] == nil {
			continue
		}
		if !*flag.of(&all) {
			return &FieldError{flag.name, "does not apply to a target of type " + string(e.kind)}
		}
		*flag.of(&e.Target.Collect) = *e.monitor[i]
	}
	return nil
}

func (e *entry) takeTokenName() *FieldError {
	if e.tokenName == "" {
		return nil
	}
	if e.Target.TokenID != "" {
		return &FieldError{"tokenId", "want only one of tokenId and tokenName"}
	}
	e.Target.TokenID = e.tokenName
	return nil
}

func (e *entry) validFiles() *FieldError {
	if e.PasswordFile != "" && !e.Target.Password.IsZero() {
		return &FieldError{"passwordFile", "want only one of password and passwordFile"}
	}
	if e.TokenValueFile != "" && !e.Target.TokenSecret.IsZero() {
		return &FieldError{"tokenValueFile", "want only one of tokenValue and tokenValueFile"}
	}
	if !validPath(e.PasswordFile) {
		return &FieldError{"passwordFile", "want the name of a file"}
	}
	if !validPath(e.TokenValueFile) {
		return &FieldError{"tokenValueFile", "want the name of a file"}
	}
	return nil
}

func validPath(name string) bool {
	return len(name) <= maxPathLength && !strings.ContainsFunc(name, unicode.IsControl)
}

// finish normalises and validates the target as if the secrets had been read from their files.
func (e *entry) finish() error {
	t := e.Target
	standIn := NewSecret("x")
	if e.PasswordFile != "" {
		t.Password = standIn
	}
	if e.TokenValueFile != "" {
		t.TokenSecret = standIn
	}
	t.Normalize()
	if err := t.Validate(); err != nil {
		return err
	}
	t.Password, t.TokenSecret = e.Target.Password, e.Target.TokenSecret
	e.Target = t
	return nil
}
