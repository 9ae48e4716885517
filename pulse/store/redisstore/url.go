package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	defaultPrefix = "pulse"

	dialTimeout = 2 * time.Second
	ioTimeout   = 3 * time.Second // for one command, or all of a pipeline
	poolTimeout = 4 * time.Second
	connections = 16 // at most, besides that of the subscription
	// idleTimeout closes what a firewall would forget, or a sleeping process could find half open.
	idleTimeout = time.Minute
)

// errMalformed says nothing of the URL, since a mistake may turn any part of it into a part of the password.
var errMalformed = errors.New("is malformed: write redis://user:password@host:6379/0, with special characters of the password as %XX")

// prefixPattern leaves out braces, which would begin a hash tag.
var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// target is what a URL says.
type target struct {
	options *redis.UniversalOptions
	prefix  string
}

// parseURL gives errors that follow "the Redis URL".
func parseURL(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, errMalformed
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return target{}, errors.New("must begin with redis:// or rediss://")
	}
	if u.Opaque != "" || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return target{}, errMalformed
	}
	parameters, err := parseParameters(u)
	if err != nil {
		return target{}, err
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		if n, err := strconv.Atoi(database); err != nil || n < 0 {
			return target{}, errors.New("must name the database by its number, as in redis://host:6379/0")
		}
	}
	u.RawQuery = ""
	parsed, err := redis.ParseURL(u.String())
	if err != nil {
		return target{}, errMalformed
	}
	if parsed.TLSConfig != nil {
		if err := parameters.secure(parsed.TLSConfig); err != nil {
			return target{}, err
		}
	}
	return target{options: clientOptions(parsed), prefix: parameters["prefix"]}, nil
}

func clientOptions(parsed *redis.Options) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: []string{parsed.Addr}, DB: parsed.DB, Username: parsed.Username, Password: parsed.Password,
		TLSConfig: parsed.TLSConfig,
		Protocol:  2,
		// What was sent may have happened; Store asks again where that does no harm.
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: dialTimeout, ReadTimeout: ioTimeout, WriteTimeout: ioTimeout, ContextTimeoutEnabled: true,
		PoolSize: connections, PipelinePoolSize: -1, PoolTimeout: poolTimeout, ConnMaxIdleTime: idleTimeout,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// parameters are those of the URL, prefix always among them.
type parameters map[string]string

func parseParameters(u *url.URL) (parameters, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errMalformed
	}
	p := parameters{"prefix": defaultPrefix}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch name {
		case "prefix":
		case "ca", "cert", "key", "servername", "insecure":
			if u.Scheme != "rediss" {
				return nil, fmt.Errorf("has the parameter %s, which is for TLS; write rediss:// for that", name)
			}
		default:
			return nil, fmt.Errorf("has the unknown parameter %q; known are prefix, ca, cert, key, servername and insecure", name)
		}
		if len(query[name]) > 1 {
			return nil, fmt.Errorf("has the parameter %s twice", name)
		}
		p[name] = query[name][0]
	}
	if !prefixPattern.MatchString(p["prefix"]) {
		return nil, errors.New("must have a prefix of 1 to 64 letters, digits and _ . : -")
	}
	return p, nil
}

// secure sets what the parameters say about TLS.
func (p parameters) secure(c *tls.Config) error {
	if name := p["servername"]; name != "" {
		c.ServerName = name
	}
	if text := p["insecure"]; text != "" {
		insecure, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("must have insecure=true or insecure=false")
		}
		c.InsecureSkipVerify = insecure
	}
	if file := p["ca"]; file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // whoever configures Pulse names it
		if err != nil {
			return fmt.Errorf("names a file of authorities that cannot be read: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("names a file of authorities without a certificate: %s", file)
		}
	}
	if (p["cert"] == "") != (p["key"] == "") {
		return errors.New("must have both cert and key, or neither")
	}
	if p["cert"] != "" {
		pair, err := tls.LoadX509KeyPair(p["cert"], p["key"])
		if err != nil {
			return fmt.Errorf("names a client certificate that cannot be used: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return nil
}
