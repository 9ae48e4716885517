package config

import (
	"encoding/json"
	"fmt"
)

// keyCheckVersion is the version of the key check's stored form.
const keyCheckVersion = 1

// keyCheckPlace is where the key check is sealed for, and also what it says.
const keyCheckPlace = "key check"

type keyCheckDocument struct {
	header
	Check string `json:"check"` // sealed
}

// EncodeKeyCheck returns a document that tells later whether a key is still the one in use, before any
// secret exists that could tell.
func EncodeKeyCheck(keys *Keyring) []byte {
	data, err := json.Marshal(keyCheckDocument{
		header: header{keyCheckVersion},
		Check:  keys.Seal(keyCheckPlace, []byte(keyCheckPlace)),
	})
	if err != nil {
		panic(err) // a number and a base64 string are always JSON
	}
	return data
}

// CheckKey tells whether the keyring opens what [EncodeKeyCheck] wrote. Old tells that only a previous key
// does, so that the document should be encoded and stored again. The error is [ErrWrongKey], [ErrDamaged] or
// [ErrNewer].
func CheckKey(data []byte, keys *Keyring) (old bool, err error) {
	var doc keyCheckDocument
	if err := openDocument(keyCheckPlace, data, keyCheckVersion, &doc); err != nil {
		return false, err
	}
	text, old, err := keys.Open(keyCheckPlace, doc.Check)
	if err != nil {
		return false, err
	}
	if string(text) != keyCheckPlace {
		return false, fmt.Errorf("%s: %w", keyCheckPlace, ErrDamaged)
	}
	return old, nil
}
