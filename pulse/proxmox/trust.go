package proxmox

import (
	"context"
	"crypto/x509"
)

// Verify says how a server certificate is judged when no fingerprint was given.
type Verify int

const (
	// VerifyAuto accepts what the system's authorities vouch for and the certificate that was pinned at first contact;
	// once they were learned also what a trusted member named and what the cluster's own authority signed. The first
	// certificate is pinned even when the system vouches for it, so that a later one nobody vouches for is refused.
	VerifyAuto Verify = iota
	// VerifySystem accepts only what the system's authorities vouch for, and members by the fingerprint that an
	// already verified member named.
	VerifySystem
	// VerifyOff accepts any certificate. Whoever sits between can read the credential.
	VerifyOff
)

// PinFunc stores offered as the pin of address unless one is stored already, and returns what is stored. It is called
// after a handshake in which no credential was sent.
type PinFunc func(ctx context.Context, address string, offered Fingerprint) (stored Fingerprint, err error)

// Trust says which server certificates are accepted.
type Trust struct {
	// Fingerprint was given by the user. When set, the configured address must offer exactly this certificate, other
	// members the one an already trusted member named for them, and Verify is not looked at.
	Fingerprint Fingerprint
	// Verify applies when Fingerprint is zero.
	Verify Verify
	// Roots stand in for the system's authorities; nil uses those.
	Roots *x509.CertPool
	// Pinned is the pin stored at an earlier first contact ([VerifyAuto] only). When set, no first contact is made.
	Pinned Fingerprint
	// Pin makes the pin durable ([VerifyAuto] only). Nil keeps it in memory as long as the client lives.
	Pin PinFunc
	// Known are members learned earlier, so that a start with the configured member down still works.
	Known []Member
	// CA is the cluster's own authority learned earlier, in PEM ([VerifyAuto] only).
	CA []byte
}

// Member is one node of a PVE cluster as another way in.
type Member struct {
	// Name is the node name.
	Name string
	// Address is the base URL, such as "https://192.0.2.11:8006". It may not be reachable from here: the cluster names
	// the address its own members use.
	Address string
	// Fingerprint is of the certificate the member serves, as an already trusted member told it.
	Fingerprint Fingerprint
}
