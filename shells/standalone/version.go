package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/api"
)

// version is set when a release is built, with -ldflags "-X main.version=v5.0.0".
var version string

// build tells which build this is: the version that was set, or the one that Go took from the repository.
func build() api.Version {
	number := version
	if number == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			number = info.Main.Version
		}
	}
	return api.Version{Number: shown(number), Development: !released(number), Docker: contained()}
}

// shown is the version as people see it; nothing and Go's own word for it become "dev".
func shown(number string) string {
	if number == "" || number == "(devel)" {
		return "dev"
	}
	return number
}

// released tells whether a version is one of a release. What Go makes up for a commit between releases, or for changed
// files, carries a "-" or a "+".
func released(number string) bool {
	return strings.HasPrefix(number, "v") && !strings.ContainsAny(number, "-+")
}

// contained tells whether this runs in a container, by the marks that Docker and Podman leave.
func contained() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}
