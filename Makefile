# Every target is a line or two; `make ci` is exactly what continuous integration runs.
GO       ?= go
TOOL      = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 20s
BIN       = bin/stepsleuth
ORDER     = run examples/order/order.asl.json --functions examples/order/functions.json --outbox ./outbox

.PHONY: package release test-deploy test-aws measure-troubleshooter demo demo-success test race ci format vet lint staticcheck fuzz fuzz-jsonata bench benchmarks build clean

demo: build ## a payment fails: the report is printed, the mail lands in ./outbox (exit 1 of `run` is what we want)
	@$(BIN) $(ORDER) --input examples/order/fails.json; test $$? -eq 1

demo-success: build ## the same workflow with an order that goes through
	$(BIN) $(ORDER) --input examples/order/succeeds.json

build:
	@mkdir -p bin && $(GO) build -trimpath -o $(BIN) ./cmd/stepsleuth

test: ## all tests
	$(GO) test ./...

race:
	$(GO) test -race ./...

ci: format vet staticcheck test race demo demo-success
	@$(MAKE) -j2 fuzz test-aws # side by side: the latter waits for Terraform most of its time

format: ## fails where gofmt would change a file
	@out="$$(gofmt -l $$(git ls-files '*.go'))"; test -z "$$out" || { echo "not formatted: $$out"; exit 1; }

vet:
	$(GO) vet ./...

lint: format vet staticcheck

staticcheck:
	$(TOOL) staticcheck ./...

fuzz: ## each fuzz target for FUZZTIME
	@$(GO) run ./internal/fuzz -time $(FUZZTIME)

bench: build ## docs/performance.md: every machine of ../shared/perf, side by side with a peer that npm installs into build/peer
	$(GO) run ./internal/perf -bin $(BIN)

benchmarks: ## the benchmarks beside the tests
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz-jsonata: build/jsonata/node_modules/jsonata ## random expressions for FUZZTIME, beside the reference implementation
	$(GO) run ./jsonata/internal/difftest -time $(FUZZTIME) -tolerate 5 -show 5

build/jsonata/node_modules/jsonata:
	npm install --no-audit --no-fund --loglevel=error --prefix build/jsonata jsonata@2.2.2

package: build ## zip files, Terraform module and SAM template in ./build
	$(BIN) package --out build

test-deploy: ## Terraform, cfn-lint and moto against the module and the template; minutes
	STEPSLEUTH_SLOW_CLIENTS=1 $(GO) test -timeout 20m ./deploy

test-aws: ## the deployed pattern: Terraform applies it, workflows fail in it, and it is taken away again; three to five minutes
	STEPSLEUTH_SLOW_CLIENTS=1 timeout 900 $(GO) test -count=1 -v -timeout 14m ./deploy/proof

measure-troubleshooter: ## cold start to the first answer, zip size and peak memory, beside their targets
	STEPSLEUTH_MEASURE=1 $(GO) test -count=1 -v -run '^TestMeasure$$' ./cmd/troubleshooter

release: ## the command for each system, packed, and checksums, in ./dist
	$(GO) run ./internal/release

clean:
	rm -rf bin outbox dist
