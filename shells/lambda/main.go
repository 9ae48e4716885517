// Command lambda is Pulse's API as an AWS Lambda function, behind an API Gateway (REST or HTTP API), a function URL or an
// Application Load Balancer. It polls nothing; the program in shells/poller does, with the same Redis.
//
// It is built with -tags lambda.norpc for the runtime provided.al2023, as the archives of "make lambda" are. Settings
// come from the environment; API_TOKEN, PULSE_ENCRYPTION_KEY and PULSE_STORE are required, and an init without them fails
// with a sentence for each. There are no WebSockets: /ws answers 501.
package main

import (
	"context"
	"os"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/redisstore"
	"github.com/proxpulse/proxpulse/shells"
	"github.com/proxpulse/proxpulse/shells/function"
)

// version is set when a release is built, with -ldflags "-X main.version=v5.0.0".
var version string

func main() {
	getenv := os.Getenv //nolint:forbidigo // what shells.Open reads through
	os.Exit(function.Run(context.Background(), getenv, os.Stderr, parts(), func(i *function.Instance) awslambda.Handler {
		return newGateway(i)
	}))
}

func parts() shells.Parts {
	return shells.Parts{
		Stores: map[string]shells.StoreKind{
			"redis": {Shared: true, Open: openRedis}, "rediss": {Shared: true, Open: openRedis},
		},
		Required: []string{"API_TOKEN", "PULSE_ENCRYPTION_KEY"},
		Role:     pulse.RoleAPI,
		Version:  shells.Build(version),
		Log:      os.Stderr,
	}
}

func openRedis(ctx context.Context, url string) (store.Store, error) {
	return redisstore.Open(ctx, url)
}
