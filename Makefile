# make help lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lint generate fmt build

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: ## run Fairnotice with sample data and a demo inbox, on this machine only
	@sh scripts/needs.sh postgres
	@mkdir -p bin && go build -o bin/api ./cmd/api
	@exec bin/api demo

test: ## run all tests, on a real PostgreSQL and in a real browser
	@sh scripts/test.sh

check: lint test ## what CI runs: lint and test

bench: ## measure against bare limits: a line a figure (docs/benchmarks.md)
	@sh scripts/needs.sh postgres
	@mkdir -p bin && go build -o bin/withpg ./internal/database/databasetest/withpg
	@go test -c -o bin/bench.test ./internal/bench
	@bin/withpg -durable -- bin/bench.test -test.run '^$$' -test.bench . -test.benchtime 1x -test.timeout 60m

lint: ## check the code, the OpenAPI document and the client made from it
	@sh scripts/lint.sh
	@sh scripts/openapi.sh
	@go run web/apiv1/client/generate.go -check

generate: ## make the Go client anew from the OpenAPI document
	@go generate ./web/apiv1/client

fmt: ## format the code
	@gofmt -w $$(go list -f '{{.Dir}}' ./...)

build: ## build the programs into bin/
	@mkdir -p bin && go build -o bin/ ./cmd/...
