# Targets for people and for CI, which calls the same ones.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS = -s -w -X github.com/kfpreflight/kfpreflight/internal/cli.buildVersion=$(VERSION)

.PHONY: build test race lint docs verify bench clean

## build: bin/kfpreflight
build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/kfpreflight ./cmd/kfpreflight

## test: the quick tests: no Docker, no network. Set KFPREFLIGHT_KUBEFLOW to a
## folder with Kubeflow's releases (v1.9.1, v1.10.2) to run them on those too.
test:
	$(GO) test ./...

## race: the same under the race detector
race:
	$(GO) test -race ./...

## lint: formatting, vet, staticcheck (pinned in go.mod)
lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck -checks inherit,-SA1019 ./... # deprecated fields are what users still have

## docs: regenerate docs/checks from the checks
docs:
	$(GO) run ./internal/docs/gen

## verify: what is generated is up to date, go.mod is tidy, the code is clean
verify: lint
	$(GO) mod tidy -diff
	$(GO) mod verify
	$(MAKE) docs
	@if [ -n "$$(git status --porcelain -- docs)" ]; then \
		echo "docs/ is not up to date: run make docs and commit"; git --no-pager diff -- docs; git status --short -- docs; exit 1; fi

## bench: rendering and checking a whole release
bench:
	$(GO) test -run '^$$' -bench . -benchtime 5x ./internal/cli

clean:
	rm -rf bin
