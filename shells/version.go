package shells

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/api"
)

// Build tells which build a program is: the release that was given to the linker, as v5.0.0, or else the version that Go
// took from the repository.
func Build(release string) api.Version {
	number := release
	if number == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			number = info.Main.Version
		}
	}
	return api.Version{Number: shownVersion(number), Development: !released(number), Docker: contained()}
}

// shownVersion is the version as people see it; nothing and Go's own word for it become "dev".
func shownVersion(number string) string {
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
