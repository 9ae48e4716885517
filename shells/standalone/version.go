package main

import (
	"github.com/proxpulse/proxpulse/pulse/api"
	"github.com/proxpulse/proxpulse/shells"
)

// version is set when a release is built, with -ldflags "-X main.version=v5.0.0".
var version string

func build() api.Version { return shells.Build(version) }
