package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// reasonOf sorts an error of the client by what a program can do about it. A call that was not made because its like
// failed before counts as that failure.
func reasonOf(err error) estate.Reason {
	for _, known := range []struct {
		reason estate.Reason
		kinds  []error
	}{
		{estate.ReasonUnauthorized, []error{proxmox.ErrUnauthorized, proxmox.ErrSecondFactor}},
		{estate.ReasonForbidden, []error{proxmox.ErrForbidden}},
		{estate.ReasonTLS, []error{proxmox.ErrTLS}},
		{estate.ReasonNotProxmox, []error{proxmox.ErrNotProxmox, proxmox.ErrWrongKind}},
		{estate.ReasonTimeout, []error{proxmox.ErrTimeout, proxmox.ErrNodeHung, context.DeadlineExceeded}},
		{estate.ReasonUnreachable, []error{
			proxmox.ErrRefused, proxmox.ErrDNS, proxmox.ErrUnreachable, proxmox.ErrNodeUnreachable,
		}},
	} {
		if slices.ContainsFunc(known.kinds, func(kind error) bool { return errors.Is(err, kind) }) {
			return known.reason
		}
	}
	return estate.ReasonFailed
}

// sentenceOf says the same to people.
func sentenceOf(err error) string {
	var certificate *proxmox.CertificateError
	switch {
	case errors.As(err, &certificate):
		return upperFirst(certificate.Error()) + "."
	case errors.Is(err, proxmox.ErrSecondFactor):
		return "The login asks for a second factor, which Pulse cannot give: use an API token."
	}
	who := "Proxmox"
	var failed *proxmox.Error
	if errors.As(err, &failed) && failed.Member != "" {
		who = failed.Member
	}
	detail := detailOf(failed)
	switch reasonOf(err) {
	case estate.ReasonUnauthorized:
		return who + " refuses the credentials: they are wrong, unknown or expired."
	case estate.ReasonForbidden:
		return forbiddenSentence(who, failed)
	case estate.ReasonTLS:
		return "The TLS handshake with " + who + " failed" + detail + "."
	case estate.ReasonNotProxmox:
		return "What answers at " + who + " is not the expected Proxmox API" + detail + "."
	case estate.ReasonTimeout:
		return who + " did not answer in time."
	case estate.ReasonUnreachable:
		return who + " cannot be reached" + detail + "."
	default:
		return who + " answered with an error" + detail + "."
	}
}

func detailOf(failed *proxmox.Error) string {
	if failed == nil || failed.Message == "" {
		return ""
	}
	return ": " + strings.TrimRight(failed.Message, ". ")
}

func forbiddenSentence(who string, failed *proxmox.Error) string {
	if failed == nil || failed.Privilege == "" {
		return who + " does not allow the credentials to read this."
	}
	sentence := who + " does not allow the credentials to read this: the privilege " +
		strings.ReplaceAll(failed.Privilege, "|", " or ")
	if failed.Object != "" {
		sentence += " on " + failed.Object
	}
	return sentence + " is missing."
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// succeed closes the account of a pass whose main reading came through.
func (d *draft) succeed(started, ended time.Time) {
	p := &d.obs.Poll
	p.Started, p.Ended, p.Took = started, ended, ended.Sub(started)
	p.Reason, p.Error, p.Failures, p.FailedSince = "", "", 0, time.Time{}
	p.LastSuccess = ended
}

// fail closes the account of a pass whose main reading did not come through. All values stay, with the age they have.
func (d *draft) fail(reason estate.Reason, sentence string, started, ended time.Time) {
	p := &d.obs.Poll
	p.Started, p.Ended, p.Took = started, ended, ended.Sub(started)
	p.Reason, p.Error = reason, sentence
	p.Failures++
	if p.FailedSince.IsZero() {
		p.FailedSince = ended
	}
}

// answered records which member answered and what its clock says.
func (d *draft) answered(meta proxmox.Meta) {
	keep(&d.obs.Poll.Via, meta.Member)
	d.obs.Poll.ClockSkew = clockSkew(meta)
}

// unreachable lists the members that failed when they were last asked.
func unreachable(members []proxmox.MemberHealth) []string {
	var out []string
	for _, m := range members {
		if m.Err == nil || m.Active {
			continue
		}
		name := m.Name
		if name == "" {
			name = m.Address
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
