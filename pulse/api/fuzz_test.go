package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func FuzzRequestType(f *testing.F) {
	for _, seed := range []string{`{"type":"ping"}`, `{"type":"requestData","x":[1,{"type":"ping"}]}`, `{"type":7}`, `[]`, ``, `{"TYPE":"ping"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		kind := requestType(message)
		if kind != "" && !json.Valid(message) {
			t.Fatalf("%q asks for %q", message, kind)
		}
	})
}

func FuzzLocalHost(f *testing.F) {
	for _, seed := range []string{
		"localhost:7655", "192.168.1.5", "[::1]:7655", "pulse.local", "evil.example.com", ".local", "a b", "[", "]:1", "::", "x.lan.", "", "1.2.3.4.evil.com",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !localHost(host, "pulse.example.net") {
			return
		}
		// A name that public DNS can serve has a dot and none of the suffixes that it cannot.
		name := hostName(host)
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") || name == "pulse.example.net" {
			return
		}
		for _, suffix := range []string{".local", ".lan", ".home.arpa", ".internal"} {
			if strings.HasSuffix(name, suffix) {
				return
			}
		}
		t.Fatalf("%q passes as %q", host, name)
	})
}

func FuzzOrigins(f *testing.F) {
	for _, seed := range []string{"https://good.example.com", "HTTPS://GOOD.example.com", "null", "", "https://good.example.com.evil.com", "*"} {
		f.Add(seed, "pulse.local:7655")
	}
	f.Add("http://pulse.local:7655", "pulse.local:7655")
	f.Add("http://[::1", "[::1")
	f.Fuzz(func(t *testing.T, origin, host string) {
		o := newOrigins([]string{"https://good.example.com", "*"}, false)
		if o.allows(origin) && !strings.EqualFold(origin, "https://good.example.com") {
			t.Fatalf("%q is allowed", origin)
		}
		if o.hosts(host) && !strings.EqualFold(host, "good.example.com") {
			t.Fatalf("%q is a host", host)
		}
		r := httptest.NewRequest(http.MethodGet, "/ws", nil)
		r.Host = host
		r.Header["Origin"] = []string{origin}
		if sameOrigin(r) && !strings.HasSuffix(strings.ToLower(origin), strings.ToLower(host)) && !strings.ContainsAny(origin, "/?#%") {
			t.Fatalf("%q is the origin of %q", origin, host)
		}
	})
}

func FuzzMatchesETag(f *testing.F) {
	for _, seed := range []string{`"a"`, `W/"a", "b"`, `*`, `"`, `W/`, `,,"a`, `"a" junk "b"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		const etag = `"a"`
		if matchesETag(header, etag) && !strings.Contains(header, etag) && !strings.Contains(header, "*") {
			t.Fatalf("%q names %s", header, etag)
		}
		if !strings.ContainsAny(header, `"*`) && !matchesETag(etag+", "+header, etag) {
			t.Fatalf("what follows hides %s: %q", etag, header)
		}
	})
}

func FuzzChooseCoding(f *testing.F) {
	for _, seed := range []string{"gzip", "zstd;q=0.5, gzip;q=0.6", "*", "*;q=0", "gzip;q=nan", ";;,,", "identity;q=0", "GZIP;Q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		coding := chooseCoding(header, codingZstd, codingGzip)
		if coding == "" || strings.Contains(header, "*") {
			return
		}
		if !strings.Contains(strings.ToLower(header), coding) {
			t.Fatalf("%q gets %q", header, coding)
		}
	})
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "198.51.100.1, 10.0.0.2")
	f.Add("[::1%eth0]:1", "x")
	f.Add("", ",,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		from, direct := clientAddress(r, trusted), peerAddress(peer)
		if !contains(trusted, direct) && from != direct {
			t.Fatalf("%q says it is %s", peer, from)
		}
	})
}
