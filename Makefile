# make help lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lint fmt build

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: ## run Fairnotice with sample data and a demo inbox, on this machine only
	@sh scripts/needs.sh postgres
	@mkdir -p bin && go build -o bin/api ./cmd/api
	@exec bin/api demo

test: ## run all tests, on a real PostgreSQL and in a real browser
	@sh scripts/test.sh

check: lint test ## what CI runs: lint and test

bench: ## run the benchmarks
	@sh scripts/needs.sh postgres
	@mkdir -p bin && go build -o bin/withpg ./internal/database/databasetest/withpg
	@bin/withpg -- go test -run '^$$' -bench . -benchmem ./...

lint: ## check the code's form and its usual mistakes
	@sh scripts/lint.sh

fmt: ## format the code
	@gofmt -w $$(go list -f '{{.Dir}}' ./...)

build: ## build the programs into bin/
	@mkdir -p bin && go build -o bin/ ./cmd/...
