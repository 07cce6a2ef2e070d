# make help lists what there is to do. Everything works from a fresh clone: Go is all it takes, and a C compiler for
# the race detector where there is one.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
WFCHECK     ?= go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
# The newest that Go 1.26 builds from modules.
GORELEASER  ?= github.com/goreleaser/goreleaser/v2@v2.15.4
CYCLONEDX   ?= github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
FUZZTIME    ?= 30s
CASES       ?= 20000
FOR         ?= 4m
BENCH       ?= .

# One setting for everything that compiles the Temporal server: other settings would compile it a second time.
export CGO_ENABLED = 0
VERSION := $(or $(VERSION),$(shell git describe --tags --always --dirty 2>/dev/null),unknown)
LDFLAGS := -s -w -X main.release=$(VERSION)
RACE   := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo -race)
# Only the race detector needs C.
RACETEST = CGO_ENABLED=$(if $(RACE),1,0) $(GO) test $(RACE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build worker starter sandbox demo up test test-unit test-e2e test-race test-fleet bench bench-fleet simulate-fleet fuzz damage lint lint-product lint-sandbox \
	lint-format policy docs fmt tidy replay-fixtures alerts operator-rules manifests licences sbom release-check release-dry-run images same-twice compose-config try chaos chaos-all upgrade clean

help: ## list the targets
	@awk -v width="$${COLUMNS:-80}" -F ':.*## ' '/^[a-z0-9-]+:.*## / { line = sprintf("  make %-16s", $$1); \
		n = split($$2, words, " "); for (i = 1; i <= n; i++) { \
			if (length(line " " words[i]) > width) { print line; line = sprintf("%23s", "") } \
			line = line " " words[i] } print line }' $(MAKEFILE_LIST)

build: worker starter sandbox ## build bin/worker, bin/starter and bin/sandbox, static

worker starter:
	@$(GO) build -ldflags '$(LDFLAGS)' -o bin/$@ ./$@

sandbox:
	@GO='$(GO)' tools/build-sandbox '$(LDFLAGS)'

demo: build ## sync three catalogs, fulfil five orders, and show what happens
	@bin/sandbox demo

up: build ## start what Vitrine talks to, and write its environment to sandbox.env
	@bin/sandbox up --env-file sandbox.env --webhook-url http://127.0.0.1:8080/webhooks/stripe

test: test-unit test-e2e ## everything: unit tests, replay of histories, end-to-end tests

# The fleet's logic is pure, and its properties are tried in thousands of simulated hours: there is nothing to race.
# The longest takes two minutes on two cores that are its own, and ten beside much else: Go's own limit.
test-unit: ## the product's tests, with the race detector
	$(RACETEST) -timeout 40m $$($(GO) list ./... | grep -v '/internal/fleet$$')
	$(GO) test ./internal/fleet

test-e2e: build ## the sandbox's tests, which run the built binaries
	cd sandbox && VITRINE_BIN='$(CURDIR)/bin' GO='$(GO)' RACE='$(RACE)' ../tools/test-sandbox

test-race: build ## the same, every one of them with binaries that have the race detector; twice the time
	VITRINE_RACE=1 $(MAKE) test-e2e

test-fleet: build ## ACCOUNTS (2000) accounts of the fleet, end to end and with nothing beside them; some four minutes
	cd sandbox && VITRINE_BIN='$(CURDIR)/bin' VITRINE_ACCOUNTS='$(or $(ACCOUNTS),2000)' \
		$(GO) test -count=1 -timeout 1h -v -run '^TestACrowdIsSynced$$' ./e2e

bench: build ## benchmarks; BENCH=regexp chooses
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	cd sandbox && VITRINE_BIN='$(CURDIR)/bin' $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./...

# MINUTES (5) is how long it is quiet, and then changing; RUSH (60) how many minutes everybody at once may take at most.
bench-fleet: build ## what a fleet of ACCOUNTS (100) costs, servers included, on DATABASE (sqlite and postgres); takes half an hour
	cd sandbox && VITRINE_BIN='$(CURDIR)/bin' VITRINE_ACCOUNTS='$(or $(ACCOUNTS),100)' VITRINE_MINUTES='$(MINUTES)' \
		VITRINE_RUSH_MINUTES='$(RUSH)' $(GO) test -run '^$$' -bench '^BenchmarkFleet$$/^$(DATABASE)' -benchtime 1x -timeout 0 ./bench

simulate-fleet: ## a fleet of ACCOUNTS (2000) for HOURS (24), by the dispatcher's own decisions, in a time of its own
	VITRINE_ACCOUNTS='$(ACCOUNTS)' VITRINE_HOURS='$(HOURS)' VITRINE_CHART='$(CHART)' GOGC=400 \
		$(GO) test -run '^$$' -bench '^BenchmarkSimulation$$' -benchtime 1x -timeout 0 ./internal/fleet

fuzz: ## every fuzz test for FUZZTIME (30s) each
	@grep -rlE --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r name; do \
			(cd "$$(dirname "$$file")" && $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' .) </dev/null || exit 1; \
		done || exit 1; \
	done

damage: ## damage CASES (20000) random catalogs from SEED (1) on, and say which took a product away
	VITRINE_DAMAGE_SEED='$(or $(SEED),1)' VITRINE_DAMAGE_CASES='$(CASES)' $(GO) test -count=1 -timeout 0 \
		-run '^TestDamageTakesNoProductAway$$' ./internal/feed

lint: lint-format lint-product lint-sandbox ## gofmt, vet, staticcheck, workflowcheck, import rules, go.mod

lint-format:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt has changes for:"; echo "$$files"; exit 1; }

lint-product: policy
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(WFCHECK) ./workflows/...
	$(GO) mod tidy -diff
	$(GO) mod verify

lint-sandbox: sandbox
	cd sandbox && $(GO) vet ./...
	cd sandbox && $(GO) run $(STATICCHECK) ./...
	cd sandbox && $(GO) mod tidy -diff
	@# The go command cannot verify a replaced module whose path has no dot, and says so of vitrine itself.
	cd sandbox && ! $(GO) mod verify 2>&1 | grep -v -e '^vitrine v0.0.0: missing ziphash' -e '^all modules verified'

policy: ## the rules about imports, names and documents alone
	$(GO) test .

docs: ## write docs/feed-columns.md, configuration.md, metrics.md and the diagram of docs/orders.md from the code
	@VITRINE_UPDATE_DOCS=1 $(GO) test -count=1 -run '^TestGeneratedPages$$' .
	@VITRINE_UPDATE_DOCS=1 $(GO) test -count=1 -run '^TestTheDocumentIsThatOfTheRoutes$$' ./internal/server

fmt: ## gofmt everything
	gofmt -w .

tidy: ## go mod tidy, all modules
	$(GO) mod tidy
	cd sandbox && $(GO) mod tidy
	cd tools/deployment && $(GO) mod tidy

replay-fixtures: build ## record the histories that the replay tests replay, where there is none yet
	cd sandbox && VITRINE_BIN='$(CURDIR)/bin' VITRINE_RECORD_HISTORIES=1 $(GO) test -count=1 -timeout 20m ./e2e

alerts: ## try the rules and dashboards against the code, and against invented days where promtool is there
	@GO='$(GO)' deploy/check-alerts

operator-rules: ## write the rules of deploy/prometheus for the Prometheus operator, below deploy/kubernetes
	cd tools/deployment && VITRINE_UPDATE_DOCS=1 $(GO) test -count=1 -run '^TestTheOperatorsRulesAreThoseOfPrometheus$$' .

manifests: ## check deploy/kubernetes against Kubernetes' own types and the code; no cluster is needed
	cd tools/deployment && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... && $(GO) mod tidy -diff && $(GO) test ./...

licences: ## write docs/licences.md: what is linked in, and under which licence
	cd tools/deployment && VITRINE_UPDATE_DOCS=1 $(GO) test -count=1 -run '^TestLicencesOfWhatIsLinkedIn$$' .

# A binary knows its modules, so that the bill of an image is made from what is in it, wherever it was built.
sbom: $(if $(IMAGE),,worker starter) ## write bills of materials for bin's binaries, or for IMAGE's
	@set -e; bin=bin; if [ -n '$(IMAGE)' ]; then \
		bin=bin/image; rm -rf "$$bin"; mkdir -p "$$bin"; \
		container=$$(docker create '$(IMAGE)'); trap 'docker rm "$$container" >/dev/null' EXIT; \
		docker cp "$$container:/usr/local/bin/." "$$bin"; \
	fi; \
	for each in worker starter; do \
		$(GO) run $(CYCLONEDX) bin -json -std -noserial -notimestamp -version '$(VERSION)' \
			-output "$$bin/$$each.cdx.json" "$$bin/$$each"; \
	done

images: ## make the images of a release for amd64 and arm64 in bin/images, with digests and bills of materials, by BuildKit as root
	@# A VERSION that make is told is the script's as well. It builds what is committed, and so is never dirty.
	@GO='$(GO)' deploy/images bin/images

same-twice: ## make those images twice, and compare every byte; compiles everything four times
	@GO='$(GO)' deploy/same-twice

release-check: ## check the description of a release
	$(GO) run $(GORELEASER) check

# One build at a time: two at once would compile the same packages twice.
release-dry-run: release-check ## make all files of a release in dist, and publish nothing
	VERSION='$(VERSION)' $(GO) run $(GORELEASER) release --snapshot --clean --skip=publish,announce --parallelism 1

compose-config: ## check docker-compose.yml against the code; docker is not needed
	@GO='$(GO)' deploy/check

try: ## bring docker-compose.yml up, sync, fulfil an order, kill workers, say what was checked; needs a Docker engine
	@GO='$(GO)' deploy/try

upgrade: build ## go from EARLIER (the last release) to this version and back, with syncs and orders under way
	@GO='$(GO)' EARLIER='$(EARLIER)' tools/upgrade

# A short run breaks a few of many things. What they are goes by the commit, so that all have their turn, and a run can
# be repeated.
COMMIT_SEED = $(shell printf '%d' "0x$$(git rev-parse --short=8 HEAD 2>/dev/null || echo 1)")

chaos: starter ## break the containers on purpose for FOR (4m), by SEED (the commit's); the images are those that make try built
	cd sandbox && $(GO) run ./cmd/chaos --repository .. --seed '$(or $(SEED),$(COMMIT_SEED))' --for '$(FOR)' $(CHAOS)

chaos-all: starter ## break everything once, with 200 merchants and 200 orders, and lose Temporal's database and the state bucket
	cd sandbox && $(GO) run ./cmd/chaos --repository .. --seed '$(or $(SEED),1)' --all --accounts 200 --orders 200 --changes 600 $(CHAOS)

clean: ## remove what make build made; Go's caches stay
	rm -rf bin
