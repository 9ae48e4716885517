// Package proxmox is a typed client for Proxmox VE (PVE) and Proxmox Backup Server (PBS). It knows how the two answer,
// fail and keep secrets; it decides nothing about what to ask when.
//
// A [Client] talks to one target: a PVE cluster by any of its members, or one PBS. It authenticates by API token or by
// password (with tickets renewed in time), judges certificates as [Trust] says before any credential is sent, keeps at
// most two requests in flight per member, one of them about a node that may hang, and moves to another member of the
// cluster while one fails. Each call returns its decoded reply with a [Meta] (when, by whom, how long) and an error
// that matches one of the sentinels.
//
// Decoding is lenient where Proxmox is inconsistent (numbers as strings, 0/1 for booleans, absent or null fields) and
// strict about shape. What a reply leaves out is unknown ([Opt]), never zero.
//
// A Client is safe for concurrent use, starts no goroutine and does no I/O until it is called. Strings in replies are
// independent of the reply's buffer.
//
// The package is for embedders and kept compatible from v1 on.
package proxmox
