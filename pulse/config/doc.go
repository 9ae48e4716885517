// Package config holds what a person configures: targets and settings, as documents with validation, and
// the codec that seals their secrets before they reach a store.
//
// A [Secret] has no way to text but [Secret.Reveal]: printing, logging or encoding it shows only that there
// is one. What is stored goes through [Keyring], which encrypts each secret with AES-256-GCM and binds it to
// the place it is stored under, so that a sealed secret moved to another document does not open.
//
// Every document carries a version; [DecodeTarget] and [DecodeSettings] read all versions up to this one
// and refuse newer ones. Functions here do no I/O. The package imports only the standard library and
// estate's identity types, and is for embedders.
package config
