package pulse

import (
	"cmp"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

// TargetPatch gives fields of a target; nil leaves a field as it is. For a new target, what is nil takes the default.
type TargetPatch struct {
	Name    *string // default: the host of the address
	Address *string // any form that [config.NormalizeAddress] takes
	// A token takes the place of a password and the other way round. Empty credentials count as not given, since
	// existing clients send back empty fields for what they were never shown; so does the present token id without its
	// value. When both are given, the token counts.
	User        *string
	Password    *config.Secret
	TokenID     *string // user@realm!name, or the name alone beside User or for the present user
	TokenSecret *config.Secret
	Fingerprint *string
	Verify      *config.VerifyMode // default: [config.VerifyAuto]
	Interval    *time.Duration
	Collect     CollectPatch
}

// CollectPatch gives parts to read or to leave out; nil leaves a part as it is, by default read.
type CollectPatch struct {
	VMs, Containers, Storage, Backups, Datastores *bool
	SyncJobs, VerifyJobs, PruneJobs, GarbageJobs  *bool
}

// draftTarget returns a new target, which has its kind alone as id.
func draftTarget(kind estate.TargetKind, p TargetPatch) (config.Target, error) {
	return p.apply(config.Target{ID: estate.TargetID(kind), Collect: config.CollectAll(kind)})
}

// apply returns t with the given fields, normalised and judged.
func (p TargetPatch) apply(t config.Target) (config.Target, error) {
	set(&t.Name, p.Name)
	set(&t.Address, p.Address)
	set(&t.Fingerprint, p.Fingerprint)
	set(&t.Interval, p.Interval)
	set(&t.Verify, p.Verify)
	p.applyCredential(&t)
	p.Collect.apply(&t.Collect)
	t.Normalize()
	return t, t.Validate()
}

func (p TargetPatch) applyCredential(t *config.Target) {
	user, tokenID := given(p.User), given(p.TokenID)
	password, tokenSecret := given(p.Password), given(p.TokenSecret)
	switch {
	case !tokenSecret.IsZero() || tokenID != "" && tokenID != t.TokenID:
		t.User = cmp.Or(user, t.User, userOf(t.TokenID)) // joins a short token name
		t.TokenID = cmp.Or(tokenID, t.TokenID)
		t.TokenSecret = cmp.Or(tokenSecret, t.TokenSecret)
		t.Password = config.Secret{}
	case !password.IsZero():
		t.User = cmp.Or(user, t.User)
		t.Password = password
		t.TokenID, t.TokenSecret = "", config.Secret{}
	case t.TokenID == "":
		t.User = cmp.Or(user, t.User)
	}
}

// userOf returns the user of a token id.
func userOf(tokenID string) string {
	return tokenID[:max(strings.LastIndexByte(tokenID, '!'), 0)]
}

func (p CollectPatch) apply(c *config.Collect) {
	set(&c.VMs, p.VMs)
	set(&c.Containers, p.Containers)
	set(&c.Storage, p.Storage)
	set(&c.Backups, p.Backups)
	set(&c.Datastores, p.Datastores)
	set(&c.SyncJobs, p.SyncJobs)
	set(&c.VerifyJobs, p.VerifyJobs)
	set(&c.PruneJobs, p.PruneJobs)
	set(&c.GarbageJobs, p.GarbageJobs)
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func given[T any](value *T) (zero T) {
	if value == nil {
		return zero
	}
	return *value
}
