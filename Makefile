# Everything a person or CI runs. `make help` lists the targets.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT  := mvdan.cc/gofumpt@v0.12.0
BINARY   := bin/pulse
ARGS     ?=
COUNT    ?= 1

VERSION  ?=

.PHONY: help run build lambda test test-long bench fuzz check fmt vet lint generate clients generated tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: build ## build and start Pulse; ARGS=--demo shows a simulated estate
	@$(BINARY) $(ARGS)

build: ## build the standalone binary into bin/
	@CGO_ENABLED=0 go build -trimpath -o $(BINARY) ./shells/standalone

lambda: ## build the functions for AWS Lambda into dist/, packed for arm64 and amd64; VERSION=v5.0.0 names a release
	@go run ./shells/lambda/archive -version "$(VERSION)" dist

test: tools ## every test, with the race detector
	go test -race -shuffle=on -count=$(COUNT) -timeout=15m ./...

test-long: tools ## longer loops: repeated concurrency tests and fuzzing
	go test -race -shuffle=on -count=3 -timeout=25m ./pulse/...
	@$(MAKE) --no-print-directory fuzz FUZZTIME=5s

FUZZTIME ?= 30s
fuzz: ## fuzz every decoder for FUZZTIME each
	@tests/fuzz.sh $(FUZZTIME)

bench: ## the end-to-end numbers: Pulse as its own process against the simulated estate
	go run ./tests/bench $(ARGS)

check: fmt vet lint generated ## what CI checks before the tests

fmt: ## fail on files that are not formatted
	@files=$$(go run $(GOFUMPT) -l .); if [ -n "$$files" ]; then echo "not formatted (gofumpt):"; echo "$$files"; exit 1; fi

vet: ## go vet
	go vet ./...

lint: ## golangci-lint
	go run $(GOLANGCI) run ./...

generate: ## write the OpenAPI documents
	go run ./openapi/gen

clients: generate ## write the OpenAPI documents and generate the Go and TypeScript clients from them
	@openapi/clients/generate.sh

generated: ## fail when a generated file is out of date or not a valid document
	go run ./openapi/gen -check
	@openapi/clients/generate.sh -check
	@tests/lint-openapi.sh

tools: ## install what the tests need and is missing
	@tests/install-tools.sh

clean: ## remove what was built
	rm -rf bin dist
