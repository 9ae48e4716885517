package proxmox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a caller can branch on with [errors.Is].
var (
	// ErrUnauthorized means the credentials are wrong, unknown, disabled or expired; Proxmox answers all alike.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrSecondFactor means the login asks for a second factor, which a monitor cannot give.
	ErrSecondFactor = errors.New("second factor required")
	// ErrForbidden means a privilege is missing; [Error.Privilege] and [Error.Object] name it where the server did.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound means the guest, node, storage or datastore does not exist (PVE says 500, PBS 400).
	ErrNotFound = errors.New("not found")
	// ErrNodeUnreachable means the member asked could not connect to the node the call is about (595). It says
	// nothing about the member asked.
	ErrNodeUnreachable = errors.New("node unreachable")
	// ErrNodeHung means the node the call is about took the connection and did not answer in time (596 to 599).
	ErrNodeHung = errors.New("node not answering")
	// ErrTimeout means the server asked did not answer in time.
	ErrTimeout = errors.New("timed out")
	// ErrRefused means nothing listens at the address.
	ErrRefused = errors.New("connection refused")
	// ErrUnreachable means the address could not be connected to for any other reason, or the connection broke.
	ErrUnreachable = errors.New("unreachable")
	// ErrDNS means the host name could not be resolved.
	ErrDNS = errors.New("name not resolved")
	// ErrTLS means the TLS handshake failed or the certificate was refused; see [CertificateError].
	ErrTLS = errors.New("TLS failed")
	// ErrNotProxmox means what answered is not the API of a Proxmox product.
	ErrNotProxmox = errors.New("not a Proxmox API")
	// ErrWrongKind means a PBS answered where a PVE was expected, the reverse, or a call the client's kind does not have.
	ErrWrongKind = errors.New("wrong kind of server")
	// ErrUnsupported means the server's version does not have the call or one of its parameters.
	ErrUnsupported = errors.New("not supported by this version")
	// ErrTooLarge means a reply was longer than [Options.MaxReplyBytes], counted after decompression.
	ErrTooLarge = errors.New("reply too large")
	// ErrMalformed means a Proxmox reply broke off or did not have the shape of the call.
	ErrMalformed = errors.New("malformed reply")
	// ErrNoAgent means the VM has no guest agent configured, or it does not answer.
	ErrNoAgent = errors.New("no guest agent")
	// ErrNotRunning means the guest is not running, which the call needs.
	ErrNotRunning = errors.New("not running")
	// ErrMaintenance means a datastore is in maintenance or not mounted.
	ErrMaintenance = errors.New("in maintenance")
	// ErrOverloaded means a gateway in front, or the server itself, asks to back off (502, 503, 504).
	ErrOverloaded = errors.New("server overloaded")
	// ErrSuspended means no request was made: the breaker is open after earlier failures, see [SuspendedError].
	ErrSuspended = errors.New("calls suspended after failures")
	// ErrClosed means the client was closed.
	ErrClosed = errors.New("client closed")
	// ErrInvalid means an option or argument cannot be used.
	ErrInvalid = errors.New("invalid")
)

// Error is a failed call. It matches its Kind with [errors.Is] and unwraps to its Cause. It never contains a credential.
type Error struct {
	// Op is the operation, such as "read cluster resources".
	Op string
	// Member is the base URL of the member asked; empty when none could be.
	Member string
	// Path is below /api2/json, without a query.
	Path string
	// Status is the HTTP status; 0 when there was no reply.
	Status int
	// Message is what the server said, or what happened, in one line of at most 300 bytes.
	Message string
	// Privilege is what a 403 says is missing; alternatives are separated by "|".
	Privilege string
	// Object is the path of the access control list the privilege is missing on, such as "/vms/100".
	Object string
	// Kind is one of the sentinels above; nil when none fits.
	Kind error
	// Cause is the underlying error, if any.
	Cause error
}

// Error is one line: operation, member, what happened.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Member != "" {
		b.WriteString(" from ")
		b.WriteString(e.Member)
	}
	if e.Kind != nil {
		b.WriteString(": ")
		b.WriteString(e.Kind.Error())
	}
	if e.Status != 0 {
		b.WriteString(" (")
		b.WriteString(strconv.Itoa(e.Status))
		b.WriteString(")")
	}
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	return b.String()
}

// Is matches the sentinel in Kind.
func (e *Error) Is(target error) bool { return e.Kind != nil && target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CertificateError is a certificate that was not accepted. It matches [ErrTLS].
type CertificateError struct {
	// Address is the base URL it was offered at.
	Address string
	// Offered is the fingerprint of the certificate offered.
	Offered Fingerprint
	// Expected is the pin; zero when there is none and verification failed instead.
	Expected Fingerprint
	// Reason says why the system's authorities do not accept it; nil when only the pin was compared.
	Reason error
}

// Error is one sentence that names both fingerprints.
func (e *CertificateError) Error() string {
	if e.Expected.IsZero() {
		return fmt.Sprintf("the certificate of %s (fingerprint %s) cannot be verified: %v", e.Address, e.Offered, e.Reason)
	}
	return fmt.Sprintf("the certificate of %s has fingerprint %s, but %s is trusted: it was replaced, or something sits in between", e.Address, e.Offered, e.Expected)
}

// Is matches [ErrTLS].
func (e *CertificateError) Is(target error) bool { return target == ErrTLS }

// Unwrap returns the reason.
func (e *CertificateError) Unwrap() error { return e.Reason }

// SuspendedError is a call that was not made because its like failed before. It matches [ErrSuspended] and unwraps to
// the failure that caused it, so it also matches that failure's sentinel.
type SuspendedError struct {
	// Until is when the next try is let through, in UTC.
	Until time.Time
	// Cause is the last failure.
	Cause error
}

// Error says until when and why.
func (e *SuspendedError) Error() string {
	return fmt.Sprintf("not asked until %s: %v", e.Until.Format(time.TimeOnly), e.Cause)
}

// Is matches [ErrSuspended].
func (e *SuspendedError) Is(target error) bool { return target == ErrSuspended }

// Unwrap returns the last failure.
func (e *SuspendedError) Unwrap() error { return e.Cause }
