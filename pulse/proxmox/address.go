package proxmox

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// NormalizeAddress turns what people type or paste into a base URL such as "https://pve1.lan:8006": the scheme and the
// kind's port are added, IPv6 addresses are bracketed, http becomes https (Proxmox speaks nothing else), and a port
// appended twice, as in "https://h:8009:8007", is undone. It refuses credentials, paths and queries with [ErrInvalid];
// the text itself is not repeated in the error, since it may hold a password.
func NormalizeAddress(kind Kind, raw string) (string, error) {
	port, err := defaultPort(kind)
	if err != nil {
		return "", err
	}
	rest, err := cutScheme(strings.TrimSpace(raw))
	if err != nil {
		return "", err
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsRune(rest, '@') {
		return "", invalidAddress("credentials do not belong into it")
	}
	if strings.ContainsAny(rest, "/?#\\") {
		return "", invalidAddress("leave out everything after the port")
	}
	host, givenPort, err := splitHostPort(rest)
	if err != nil {
		return "", err
	}
	if givenPort != "" {
		n, err := strconv.ParseUint(givenPort, 10, 16)
		if err != nil || n == 0 {
			return "", invalidAddress("the port must be 1 to 65535")
		}
		port = int(n)
	}
	host, err = checkHost(host)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(port))}
	return u.String(), nil
}

func invalidAddress(why string) error { return fmt.Errorf("%w address: %s", ErrInvalid, why) }

func defaultPort(kind Kind) (int, error) {
	switch kind {
	case PVE:
		return 8006, nil
	case PBS:
		return 8007, nil
	}
	return 0, fmt.Errorf("%w kind %q: want %q or %q", ErrInvalid, string(kind), PVE, PBS)
}

func cutScheme(raw string) (string, error) {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		scheme, rest = "https", raw
	}
	if s := strings.ToLower(scheme); s != "https" && s != "http" {
		return "", invalidAddress("it must begin with https://")
	}
	if rest == "" {
		return "", invalidAddress("no host")
	}
	return rest, nil
}

// splitHostPort splits at the last colon unless that is inside an IPv6 address; the port may be missing.
func splitHostPort(rest string) (host, port string, err error) {
	if _, err := netip.ParseAddr(rest); err == nil {
		return rest, "", nil
	}
	if tail, ok := strings.CutPrefix(rest, "["); ok {
		host, tail, closed := strings.Cut(tail, "]")
		if !closed {
			return "", "", invalidAddress("a bracket is missing")
		}
		if tail == "" {
			return host, "", nil
		}
		port, ok := strings.CutPrefix(tail, ":")
		if !ok {
			return "", "", invalidAddress("unexpected text after the bracket")
		}
		port, err := undoublePort(port)
		return host, port, err
	}
	host, ports, found := strings.Cut(rest, ":")
	if !found {
		return rest, "", nil
	}
	port, err = undoublePort(ports)
	return host, port, err
}

// undoublePort takes the first of two ports: the second was appended by mistake.
func undoublePort(ports string) (string, error) {
	first, second, doubled := strings.Cut(ports, ":")
	if first == "" || doubled && !allDigits(second) {
		return "", invalidAddress("the port must be 1 to 65535")
	}
	return first, nil
}

func allDigits(text string) bool {
	_, ok := shortDigits([]byte(text))
	return ok
}

func checkHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", invalidAddress("a zone is not supported")
		}
		return ip.Unmap().String(), nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || len(host) > 253 {
		return "", invalidAddress("no host")
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", invalidAddress("the host is neither a name nor an IP address")
		}
	}
	return host, nil
}
