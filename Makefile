# Everything that a developer or CI runs. Tools are pinned in tools/go.mod and built by Go; programs that the client tests
# need come from Debian (test/install.sh) and npm.
GO       ?= go
TOOL      = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 60s

.PHONY: build test lint race conformance clients peers-programs test-peers fuzz fuzz-smoke policy-oracle cover gen gen-check vuln bench

build: ## the binary, into bin/stint
	$(GO) build -o bin/stint ./cmd/stint

test: build lint race conformance clients fuzz-smoke ## all that must pass before a change lands

lint: ## formatting, vet and the linters of .golangci.yml
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	cd test && $(GO) vet ./...
	cd bench && $(GO) vet ./...
	$(TOOL) golangci-lint run ./...

race: ## unit tests with the race detector
	$(GO) test -race -timeout 10m ./...

conformance: build ## recorded AWS behaviour against the binary, over a socket
	cd test && STINT_BINARY=$(CURDIR)/bin/stint $(GO) test -count=1 -timeout 15m ./harness/... ./conformance/...

clients: build ## AWS CLI, boto3, the SDKs and a browser against the binary; nginx with stint gate
	test/install.sh
	cd test && STINT_BINARY=$(CURDIR)/bin/stint $(GO) test -count=1 -timeout 15m ./clients/... ./gate/... ./browser/...

peers-programs: ## the third-party programs of test-peers, into bin/peers
	test/peers/install.sh bin/peers

test-peers: build peers-programs ## third-party programs, as their makers publish them, against the binary
	cd test && STINT_BINARY=$(CURDIR)/bin/stint STINT_PEERS=$(CURDIR)/bin/peers $(GO) test -count=1 -timeout 10m ./peers/...

fuzz: ## every fuzz target for FUZZTIME
	scripts/fuzz.sh $(FUZZTIME)

fuzz-smoke:
	scripts/fuzz.sh 10s

policy-oracle: ## a million random policies and requests, decided by the naive evaluator of the tests too
	$(GO) test ./policy -count=1 -timeout 2h -run TestNaiveEvaluatorAgrees -v -oracle 1000000

cover: ## unit test coverage by function
	$(GO) test -coverprofile=bin/cover.out ./...
	$(GO) tool cover -func=bin/cover.out

gen: ## shapes and codecs from model/
	$(GO) generate ./...

gen-check: gen ## generated files are current
	git diff --exit-code -- '*.gen.go'

vuln: ## known vulnerabilities in what the binary calls
	$(TOOL) govulncheck ./...

bench: build ## policy decisions beside cedar-go; CPU, memory and start times against a bare net/http server
	cd bench && STINT_BINARY=$(CURDIR)/bin/stint $(GO) run .
