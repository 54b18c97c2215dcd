# Everything that a developer or CI does with stackc. `make` alone prints this help.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The version is given below; the go command need not ask git, which may refuse another user's checkout.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

GO      ?= go
BIN     := bin
PREFIX  ?= /usr/local
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
# What the tests need from Debian beside Go: the real cluster is made of these.
PACKAGES := chromium fonts-dejavu-core git patch etcd-server systemd systemd-container iproute2 dbus curl wget isc-dhcp-server ca-certificates gcc libc6-dev procps openssh-server \
	nodejs zsh fish man-db mandoc iptables
# google.golang.org/api at the version that fleet v1.0.0 builds with; see the check in lint.
FLEET_API := v0.6.0
# taplo holds stack files against the schema in the tests. It comes from npm, by the
# checksum in the lock file, into the folder where other tools have their caches.
TAPLO := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/stackc/taplo-$(shell sed -n 's|.*"@taplo/cli": "\(.*\)".*|\1|p' cmd/tools/taplo/package.json)

.PHONY: help
help: ## print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(BIN)/stackc $(BIN)/fleetbox ## build bin/stackc and bin/fleetbox

.PHONY: $(BIN)/stackc
$(BIN)/stackc:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/stackc

.PHONY: $(BIN)/fleetbox
$(BIN)/fleetbox:
	CGO_ENABLED=0 $(GO) build -C cmd/fleetbox -trimpath -ldflags '-s -w' -o ../../$@ .

.PHONY: $(BIN)/fleetctl
$(BIN)/fleetctl:
	CGO_ENABLED=0 $(GO) build -C cmd/fleetbox -trimpath -ldflags '-s -w -X github.com/coreos/fleet/version.Version=1.0.0' -o ../../$@ github.com/coreos/fleet/fleetctl

.PHONY: $(BIN)/fleetlab
$(BIN)/fleetlab:
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./cmd/fleetlab

.PHONY: install
install: $(BIN)/stackc ## install stackc, its manual pages and completions below PREFIX (/usr/local)
	install -D -m 0755 $(BIN)/stackc $(DESTDIR)$(PREFIX)/bin/stackc
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,man/man1 man/man5 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
	pages=$$(mktemp -d); trap 'rm -rf "$$pages"' EXIT; $(BIN)/stackc man -o "$$pages"; \
		install -m 0644 "$$pages"/*.1 $(DESTDIR)$(PREFIX)/share/man/man1; install -m 0644 "$$pages"/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	$(BIN)/stackc completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/stackc
	$(BIN)/stackc completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_stackc
	$(BIN)/stackc completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/stackc.fish

.PHONY: demo
demo: build ## bring up fleet in one process and submit Kubernetes to it
	@$(BIN)/fleetbox --machine role=master@10.20.30.40 --machine role=node@10.20.30.41 --machine role=node@10.20.30.42 \
		--rule '{"unit": "kube-apiserver.service", "delay": "3s"}' \
		--rule '{"unit": "kube-[kp]*.service", "waits_for": ["kube-apiserver.service"]}' \
		exec -- $(BIN)/stackc submit --yes stacks/k8s.toml

.PHONY: deps
deps: ## install the Debian packages that the tests need, when that is possible
	@missing=$$(for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done; command -v npm >/dev/null || echo npm); \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing" $$missing; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		else echo "missing Debian packages, and no right to install them:" $$missing >&2; exit 1; fi; fi

.PHONY: taplo
taplo: $(TAPLO)/node_modules/@taplo/cli/dist/cli.js ## install the editor's side of the schema tests, from npm

$(TAPLO)/node_modules/@taplo/cli/dist/cli.js:
	mkdir -p $(TAPLO)
	cp cmd/tools/taplo/package.json cmd/tools/taplo/package-lock.json $(TAPLO)
	npm ci --prefix $(TAPLO) --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: test
test: deps taplo lint test-stackc test-fleetbox test-hosttest ## pass all tests: units, scripts on the real binary, fleet in a box, and a real cluster

.PHONY: test-stackc
test-stackc:
	$(GO) test -race -shuffle=on -timeout 40m $(TESTFLAGS) ./...

.PHONY: test-fleetbox
test-fleetbox:
	$(GO) test -C cmd/fleetbox -timeout 20m $(TESTFLAGS) ./...

# What bootstrap writes, read by coreos-cloudinit and Ignition.
.PHONY: test-hosttest
test-hosttest:
	$(GO) test -C cmd/hosttest -race -shuffle=on $(TESTFLAGS) ./...

.PHONY: short
short: taplo ## the tests without the real cluster, for the time between two edits
	STACKC_NO_CLUSTER=1 $(GO) test ./...

.PHONY: lint
lint: ## gofmt, vet, staticcheck, and the state of go.mod
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "run gofmt -w on these" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) vet -C cmd/fleetbox ./...
	$(GO) vet -C cmd/hosttest ./...
	$(GO) vet -C cmd/cloudinit ./...
	$(GO) tool -modfile=cmd/tools/go.mod staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) mod verify
	@have=$$($(GO) list -m -f '{{.Version}}' google.golang.org/api); test "$$have" = $(FLEET_API) || \
		{ echo "google.golang.org/api is $$have: fleet v1.0.0 builds with $(FLEET_API) only" >&2; exit 1; }

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (1m), the law of imports for FUZZTIME_IMPORT (10m)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz || true); do \
		t=$${FUZZTIME:-1m}; if [ "$$f" = FuzzImport ]; then t=$${FUZZTIME_IMPORT:-10m}; fi; echo "$$p $$f $$t"; \
		$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime "$$t" -fuzzminimizetime 1s $$p; done; done

.PHONY: golden
golden: ## write the golden files anew; look at the difference before you commit it
	$(GO) test ./compiler/... ./cmd/stackc/... ./fleet/... ./stacks/... -update

.PHONY: bench
bench: build $(BIN)/fleetctl ## measure stackc against the floor, as ratios in one run
	STACKC_NO_CLUSTER=1 $(GO) test -run '^$$' -bench . -benchmem ./compiler/... ./units/...
	$(GO) run ./cmd/bench

.PHONY: bench-cluster
bench-cluster: deps build $(BIN)/fleetctl ## the part of it that is measured on the real cluster, which needs root
	$(GO) run ./cmd/bench --only cluster

.PHONY: bench-gc
bench-gc: deps build ## measure starts on a real cluster before and after stackc gc
	$(GO) run ./cmd/bench --only gc

.PHONY: cluster
cluster: deps build $(BIN)/fleetlab ## bring up a real fleet cluster of three machines, and leave it up
	$(BIN)/fleetlab up --keep

.PHONY: cluster-down
cluster-down: $(BIN)/fleetlab ## take the real cluster down
	$(BIN)/fleetlab down

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)
