package shells

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/config"
)

// defaultListen is where Pulse has always been found.
const defaultListen = ":7655"

// Config is what the environment says, read and judged. No file was opened for it, so that a setting which stands in one
// is known to be given and no more.
type Config struct {
	Listen Listen
	Demo   bool // simulate an estate; it is the program that does
	// BasePath is what stands before Pulse's own paths, as "/pulse"; empty for nothing. It is the program that takes it
	// off.
	BasePath string

	access  access
	data    data
	role    pulse.Role // empty when it is not set
	log     logging
	proxied bool // a proxy for requests to Proxmox is set
}

// Logger returns a logger that writes to w as the settings ask; nil discards.
func (c Config) Logger(w io.Writer) *slog.Logger { return newLogger(w, c.log) }

// Listen says where a program listens.
type Listen struct {
	Address string // host:port; an empty host is every address, port 0 any free one
	TLSCert string // file; empty for plain HTTP, and then TLSKey is too
	TLSKey  string
}

// access says who may use the API.
type access struct {
	token             config.Secret
	origins           []string
	trustedProxies    []netip.Prefix
	unprotectedExport bool
}

// data says what is kept where, and which targets are declared.
type data struct {
	dir          string // empty: the program finds one
	store        string // empty: the program's default
	key          config.Key
	previousKeys []config.Key
	targetsFile  string
	targetsText  config.Secret // may carry passwords
}

type logging struct {
	level slog.Level
	json  bool
}

// ReadConfig reads the environment and reports all values that cannot be used, as [*SettingError] joined together.
func ReadConfig(getenv func(string) string) (Config, error) { return readConfig(getenv, nil) }

// readConfig also refuses an environment without what is required, by name.
func readConfig(getenv func(string) string, required []string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		Listen:   r.listen(),
		Demo:     r.truth(envDemo),
		BasePath: r.basePath(),
		access:   r.access(),
		data:     r.data(),
		role:     r.role(),
		log:      r.logging(),
		proxied:  r.proxied(),
	}
	r.require(required)
	return c, errors.Join(r.bad...)
}

// reader reads settings and collects what is wrong with them.
type reader struct {
	getenv func(string) string
	bad    []error
}

// text returns a value without white space around it, as a file of variables or an editor may leave some.
func (r *reader) text(env string) string { return strings.TrimSpace(r.getenv(env)) }

func (r *reader) refuse(env, reason string) {
	r.bad = append(r.bad, &SettingError{Env: env, Reason: reason})
}

func (r *reader) truth(env string) bool {
	switch strings.ToLower(r.text(env)) {
	case "true", "1", "yes", "on":
		return true
	case "", "false", "0", "no", "off":
		return false
	}
	r.refuse(env, "want true or false")
	return false
}

// list splits a comma-separated value; empty parts are left out.
func (r *reader) list(env string) []string {
	var parts []string
	for part := range strings.SplitSeq(r.getenv(env), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func (r *reader) listen() Listen {
	l := Listen{Address: r.text(envPort), TLSCert: r.text(envTLSCert), TLSKey: r.text(envTLSKey)}
	if l.Address == "" {
		l.Address = defaultListen
	}
	if !strings.Contains(l.Address, ":") {
		l.Address = ":" + l.Address
	}
	if !validListen(l.Address) {
		r.refuse(envPort, "want a port from 0 to 65535, or an address and a port as 127.0.0.1:7655")
	}
	if l.TLSCert == "" && l.TLSKey != "" {
		r.refuse(envTLSCert, "is required beside "+envTLSKey)
	}
	if l.TLSKey == "" && l.TLSCert != "" {
		r.refuse(envTLSKey, "is required beside "+envTLSCert)
	}
	return l
}

func validListen(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '/' }) {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func (r *reader) role() pulse.Role {
	text := r.text(envRole)
	if text == "" {
		return ""
	}
	role, err := pulse.ParseRole(text)
	if err != nil {
		r.refuse(envRole, "want all, api or poller")
	}
	return role
}

// basePath reads the path before Pulse's own, without a slash at its end.
func (r *reader) basePath() string {
	text := strings.TrimRight(r.text(envBasePath), "/")
	if text == "" {
		return ""
	}
	u, err := url.ParseRequestURI(text)
	if err != nil || text[0] != '/' || u.RawQuery != "" || path.Clean(text) != text || u.EscapedPath() != text {
		r.refuse(envBasePath, "want a path as /pulse")
	}
	return text
}

func (r *reader) access() access {
	a := access{
		token:             config.NewSecret(r.secret(envToken)),
		origins:           config.ParseOrigins(r.getenv(envOrigins)),
		unprotectedExport: r.truth(envExport),
		trustedProxies:    r.networks(envProxies),
	}
	if strings.ContainsFunc(a.token.Reveal(), func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		r.refuse(envToken, "want no space and no control character in it, since no header can carry them")
	}
	settings := config.DefaultSettings()
	settings.AllowedOrigins = a.origins
	var field *config.FieldError
	if err := settings.Validate(); errors.As(err, &field) {
		r.refuse(envOrigins, field.Reason)
	}
	for _, origin := range a.origins {
		if origin == "*" && !r.given(envToken) {
			r.refuse(envOrigins, "* needs an "+envToken+", since any web page could otherwise read and change everything")
			break
		}
	}
	return a
}

// networks reads addresses and networks; an address is a network of one.
func (r *reader) networks(env string) []netip.Prefix {
	var networks []netip.Prefix
	for _, part := range r.list(env) {
		network, err := netip.ParsePrefix(part)
		if addr, addrErr := netip.ParseAddr(part); addrErr == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			r.refuse(env, "want addresses or networks, comma-separated, as 192.0.2.7 or 10.0.0.0/8")
			return nil
		}
		networks = append(networks, network.Masked())
	}
	return networks
}

func (r *reader) data() data {
	d := data{
		dir:         r.text(envDataDir),
		store:       r.secret(envStore),
		targetsFile: r.text(envTargets),
		targetsText: config.NewSecret(r.text(envTargetsData)),
	}
	if d.targetsFile != "" && !d.targetsText.IsZero() {
		r.refuse(envTargetsData, "want only one of "+envTargets+" and "+envTargetsData)
	}
	if text := r.secret(envKey); text != "" {
		d.key = r.key(envKey, text)
	}
	for text := range strings.FieldsFuncSeq(r.secret(envKeyPrevious), betweenKeys) {
		d.previousKeys = append(d.previousKeys, r.key(envKeyPrevious, text))
	}
	return d
}

// betweenKeys tells what separates keys; a file may have a line for each.
func betweenKeys(c rune) bool { return c == ',' || unicode.IsSpace(c) }

func (r *reader) key(env, text string) config.Key {
	key, err := config.ParseKey(text)
	if err != nil {
		r.refuse(env, err.Error())
	}
	return key
}

func (r *reader) logging() logging {
	var l logging
	if text := r.text(envLogLevel); text != "" {
		switch strings.ToLower(text) {
		case "debug":
			l.level = slog.LevelDebug
		case "info":
			l.level = slog.LevelInfo
		case "warn", "warning":
			l.level = slog.LevelWarn
		case "error":
			l.level = slog.LevelError
		default:
			r.refuse(envLogLevel, "want debug, info, warn or error")
		}
	}
	switch strings.ToLower(r.text(envLogFormat)) {
	case "", "text":
	case "json":
		l.json = true
	default:
		r.refuse(envLogFormat, "want text or json")
	}
	return l
}

// proxied tells whether a proxy is set. It is judged here, since the standard library would go without one that it does
// not understand and say nothing.
func (r *reader) proxied() bool {
	proxied := false
	for _, name := range []string{envHTTPSProxy, strings.ToLower(envHTTPSProxy)} {
		text := r.text(name)
		if text == "" {
			continue
		}
		if !validProxy(text) {
			r.refuse(name, "want the address of a proxy, as http://proxy.example.com:3128")
		}
		proxied = true
	}
	return proxied
}

func validProxy(text string) bool {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return true
	}
	return false
}
