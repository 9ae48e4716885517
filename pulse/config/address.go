package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// The ports Proxmox listens on, each the default for its kind.
const (
	pvePort = "8006"
	pbsPort = "8007"
)

const maxHostLength = 253 // of a DNS name

var errAddress = errors.New("want a host name or address, as https://pve1.example.com:8006")

// NormalizeAddress returns what a person wrote as an address in the form that a [Target] keeps:
// https://host:port with the host in lower case. A missing scheme becomes https and a missing port the
// product's own (8006 for PVE, 8007 for PBS). What a browser's address bar has behind the port is left out
// if it is only "/" or a fragment. Any other scheme or path, a user name and an IPv6 zone are errors, which
// do not repeat the text.
func NormalizeAddress(kind estate.TargetKind, address string) (string, error) {
	u, err := parseAddress(strings.TrimSpace(address))
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(u.Scheme, "https") {
		return "", errors.New("want https, the only protocol that Proxmox speaks")
	}
	if u.User != nil {
		return "", errors.New("want no credentials in the address")
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery {
		return "", errors.New("want nothing behind the port")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if !validHost(host) {
		return "", errAddress
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.Unmap().String() // one spelling for each address, so that duplicates are seen
	}
	port, err := portOf(u, kind)
	if err != nil {
		return "", err
	}
	return "https://" + net.JoinHostPort(host, port), nil
}

func parseAddress(text string) (*url.URL, error) {
	if _, err := netip.ParseAddr(text); err == nil && strings.Contains(text, ":") {
		text = "[" + text + "]" // an IPv6 address alone, as people write it
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, errAddress // the parser's text quotes the input
	}
	return u, nil
}

// validHost accepts an IP address without a zone, and what may be a DNS name or a line of /etc/hosts.
func validHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	if host == "" || len(host) > maxHostLength || strings.Contains("."+host+".", "..") { // an empty label
		return false
	}
	for _, c := range []byte(host) {
		if !isAlnum(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return !endsInNumber(host)
}

// endsInNumber tells whether the last label is a number, as in 2130706433, 127.1 and 0x7f.0.0.1. Some resolvers take these
// for IPv4 addresses and others do not, so browsers too refuse those that are none.
func endsInNumber(host string) bool {
	label := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func portOf(u *url.URL, kind estate.TargetKind) (string, error) {
	if u.Port() == "" {
		if kind == estate.PBS {
			return pbsPort, nil
		}
		return pvePort, nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		return "", errors.New("want a port from 1 to 65535")
	}
	return strconv.FormatUint(n, 10), nil
}

func isAlnum(c byte) bool { return isLetter(c) || ('0' <= c && c <= '9') }

func isLetter(c byte) bool { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') }
