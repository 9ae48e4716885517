package config

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// targetVersion is the version of a target's stored form.
const targetVersion = 1

// targetDocument is a target as it is stored.
type targetDocument struct {
	header
	ID          estate.TargetID `json:"id"`
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Address     string          `json:"address"`
	User        string          `json:"user,omitempty"`
	Password    string          `json:"password,omitempty"` // sealed
	TokenID     string          `json:"tokenId,omitempty"`
	TokenSecret string          `json:"tokenSecret,omitempty"` // sealed
	Fingerprint string          `json:"fingerprint,omitempty"`
	Verify      VerifyMode      `json:"verify,omitempty"`
	Collect     Collect         `json:"collect"`
	Interval    duration        `json:"interval,omitempty"`
	Source      string          `json:"source,omitempty"`
	Added       time.Time       `json:"added,omitzero"`
}

// EncodeTarget returns the stored form of a target, with its secrets sealed for this target and field. The
// target needs its numbered ID.
func EncodeTarget(t Target, keys *Keyring) ([]byte, error) {
	if !numbered(t.ID) {
		return nil, fmt.Errorf("encode target: %w", &FieldError{"id", "want a kind and a number, as pve-0"})
	}
	doc := targetDocument{
		header: header{targetVersion},
		ID:     t.ID, Name: t.Name, Slug: t.Slug, Address: t.Address,
		User: t.User, Password: sealSecret(keys, t.ID, "password", t.Password),
		TokenID: t.TokenID, TokenSecret: sealSecret(keys, t.ID, "tokenSecret", t.TokenSecret),
		Fingerprint: t.Fingerprint, Verify: t.Verify,
		Collect: t.Collect, Interval: duration(t.Interval),
		Source: t.Source, Added: t.Added.UTC(),
	}
	data, err := json.Marshal(doc) //nolint:gosec // G117: the password is sealed
	if err != nil {
		return nil, fmt.Errorf("encode target %s: %w", t.ID, err)
	}
	return data, nil
}

// DecodeTarget reads what [EncodeTarget] wrote, in this version of Pulse or an earlier one. Reseal tells that
// a previous key opened one of its secrets, so that it should be encoded and stored again. The error is
// [ErrNewer], [ErrDamaged] or [ErrWrongKey].
func DecodeTarget(data []byte, keys *Keyring) (t Target, reseal bool, err error) {
	var doc targetDocument
	if err := openDocument("target", data, targetVersion, &doc); err != nil {
		return Target{}, false, err
	}
	if !doc.usable() {
		return Target{}, false, fmt.Errorf("target: %w", ErrDamaged)
	}
	password, oldPassword, err := openSecret(keys, doc.ID, "password", doc.Password)
	if err != nil {
		return Target{}, false, err
	}
	token, oldToken, err := openSecret(keys, doc.ID, "tokenSecret", doc.TokenSecret)
	if err != nil {
		return Target{}, false, err
	}
	return Target{
		ID: doc.ID, Name: doc.Name, Slug: doc.Slug, Address: doc.Address,
		User: doc.User, Password: password,
		TokenID: doc.TokenID, TokenSecret: token,
		Fingerprint: doc.Fingerprint, Verify: doc.Verify,
		Collect: doc.Collect, Interval: time.Duration(doc.Interval),
		Source: doc.Source, Added: doc.Added.UTC(),
	}, oldPassword || oldToken, nil
}

// usable tells whether the document has what identifies and reaches a target, and nothing that would make
// polling it go wrong. The rest is the business of whoever last validated it.
func (d *targetDocument) usable() bool {
	interval := time.Duration(d.Interval)
	return numbered(d.ID) && d.Slug != "" && d.Address != "" &&
		(interval == 0 || (interval >= MinPollingInterval && interval <= MaxPollingInterval))
}

// numbered tells whether an id is exactly a known kind and a number.
func numbered(id estate.TargetID) bool {
	kind, n := id.Kind(), id.Number()
	return (kind == estate.PVE || kind == estate.PBS) && n >= 0 && id == estate.NewTargetID(kind, n)
}

// place names where a target's secret is stored; a secret sealed for one place opens nowhere else.
func place(id estate.TargetID, field string) string { return "target/" + string(id) + "/" + field }

func sealSecret(keys *Keyring, id estate.TargetID, field string, s Secret) string {
	if s.IsZero() {
		return ""
	}
	return keys.Seal(place(id, field), []byte(s.Reveal()))
}

func openSecret(keys *Keyring, id estate.TargetID, field, sealed string) (s Secret, old bool, err error) {
	if sealed == "" {
		return Secret{}, false, nil
	}
	text, old, err := keys.Open(place(id, field), sealed)
	if err != nil {
		return Secret{}, false, err
	}
	return NewSecret(string(text)), old, nil
}

// duration is a length of time that documents spell as "10s".
type duration time.Duration

// MarshalText spells the duration.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] does.
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}
