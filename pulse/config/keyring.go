package config

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrWrongKey reports that none of the keys opens what is stored.
var ErrWrongKey = errors.New("the encryption key does not open what is stored")

// ErrDamaged reports a stored document that is no document, or a sealed secret that is none.
var ErrDamaged = errors.New("stored configuration is damaged")

// Keyring seals with its current key and opens with that or any previous one, so that a key can be
// replaced while documents sealed under the old one still exist.
type Keyring struct {
	current  cipherFunc
	id       keyID
	previous map[keyID]cipherFunc
}

// cipherFunc returns a key's cipher. It is a function because fmt would print what a cipher holds, and the expanded
// key that it holds begins with the key.
type cipherFunc func() cipher.AEAD

// keyID tells which key sealed something without telling anything about the key.
type keyID [4]byte

// NewKeyring returns a keyring over the current key and any number of previous ones.
func NewKeyring(current Key, previous ...Key) *Keyring {
	k := &Keyring{current: aead(current), id: idOf(current), previous: map[keyID]cipherFunc{}}
	for _, p := range previous {
		k.previous[idOf(p)] = aead(p)
	}
	return k
}

func idOf(k Key) keyID {
	sum := sha256.Sum256(append([]byte("pulse key id\x00"), k.raw()...))
	return keyID(sum[:4])
}

func aead(k Key) cipherFunc {
	block, err := aes.NewCipher(k.raw())
	if err != nil {
		panic(err) // only for a wrong key length, which the type rules out
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return func() cipher.AEAD { return gcm }
}

const sealVersion = 1

// Seal encrypts text for one place, as "target/pve-0/password". Each call gives another result.
func (k *Keyring) Seal(place string, text []byte) string {
	gcm := k.current()
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	out := append([]byte{sealVersion}, k.id[:]...)
	out = append(out, nonce...)
	out = gcm.Seal(out, nonce, text, []byte(place))
	return base64.StdEncoding.EncodeToString(out)
}

// Open decrypts what Seal returned for the same place. Old tells that a previous key was needed, so that
// the caller can seal it again. The error is [ErrWrongKey] or [ErrDamaged].
func (k *Keyring) Open(place, sealed string) (text []byte, old bool, err error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sealed)
	head := 1 + len(k.id) + k.current().NonceSize()
	if err != nil || len(raw) < head || raw[0] != sealVersion {
		return nil, false, fmt.Errorf("%s: %w", place, ErrDamaged)
	}
	id := keyID(raw[1:5])
	open := k.current
	if id != k.id {
		if open = k.previous[id]; open == nil {
			return nil, false, fmt.Errorf("%s: %w", place, ErrWrongKey)
		}
	}
	text, err = open().Open(nil, raw[5:head], raw[head:], []byte(place))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", place, ErrDamaged)
	}
	return text, id != k.id, nil
}
