# The only door: `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
STAGE ?= qa
CDK := npx --yes aws-cdk@2.1148.1
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/peers/.installed
BENCH_PEERS := $(patsubst tests/bench/peers/%.txt,$(VENV)/bench-peers/%/.installed,$(wildcard tests/bench/peers/*.txt))

# jsii warns about every Node.js release it has not been tested with; synthesis works on those here.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 18,20

# Where compiled modules are not kept, each of the many processes of checks and tests compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo replay test fuzz check check-types check-stacks check-style check-imports check-openapi
.PHONY: openapi bench bench-peers up down deploy lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock
	@command -v node >/dev/null || { echo "Node.js is missing: aws-cdk-lib needs it to synthesise. Install Node.js 20 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Offpeak needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -E '^uv==' requirements.txt)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	@touch $@

$(PEERS): tests/peers/requirements.txt $(INSTALLED)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/peers
	@$(BIN)/uv pip install --quiet --no-deps --python $(VENV)/peers/bin/python -r tests/peers/requirements.txt
	@touch $@

$(VENV)/bench-peers/%/.installed: tests/bench/peers/%.txt $(INSTALLED)
	@echo "Installing $* to be measured beside (once) ..."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/bench-peers/$*
	@$(BIN)/uv pip install --quiet --no-deps --python $(VENV)/bench-peers/$*/bin/python -r $<
	@touch $@

demo: $(INSTALLED) ## Play a night of charging on the embedded cloud (SESSIONS=file.csv PRICES=file.csv for your own data)
	@$(BIN)/python -m local.demo $(if $(SESSIONS),--sessions "$(SESSIONS)") $(if $(PRICES),--prices "$(PRICES)") $(ARGS)

replay: $(INSTALLED) ## Play months of sessions against recorded prices, and say what planning saves (SESSIONS= PRICES= ARGS=)
	@$(BIN)/python -m local.replay $(if $(SESSIONS),--sessions "$(SESSIONS)") $(if $(PRICES),--prices "$(PRICES)") $(ARGS)

test: $(INSTALLED) $(PEERS) ## Run all tests, the deployed local stack included (ARGS="-k name" for some)
	@tests/browser/install.sh
	@$(BIN)/python -m pytest -n auto --dist loadscope -m "not alone" $(ARGS) || [ $$? -eq 5 ] # 5: none chosen
	@$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]

fuzz: $(INSTALLED) ## Send thousands of made-up requests to the deployed local stack (some minutes)
	@$(BIN)/python -m pytest tests/e2e/test_every_answer.py --hypothesis-profile=fuzz $(ARGS)

check: $(INSTALLED) ## Format, lint, types, import rules, synthesis of qa and production, cdk-nag
	@$(MAKE) --no-print-directory --jobs=2 $(addprefix check-,types stacks style imports openapi)

check-types:
	$(BIN)/mypy

check-stacks:
	$(BIN)/python -m infra.check

check-style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check-imports:
	PYTHONPATH=.:layers/offpeak/python $(BIN)/lint-imports

check-openapi:
	$(BIN)/python -m openapi --check

openapi: $(INSTALLED) ## Write docs/openapi.json (the API's description, OpenAPI 3.1) from the code
	@$(BIN)/python -m openapi

bench: $(INSTALLED) ## Measure latencies, throughput, planning, package sizes and cost, side by side
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: $(INSTALLED) $(BENCH_PEERS) ## Measure planning beside FlexMeasures, HiGHS, OR-tools, scipy and Pyomo (1.4 GB)
	@$(BIN)/python -m tests.bench.peers --environments $(VENV)/bench-peers $(ARGS)

up: $(INSTALLED) ## Start the embedded cloud and a simulated CPO; print their addresses and a ready curl
	@$(BIN)/python -m local up $(ARGS)

down: $(INSTALLED) ## End what `make up` started
	@$(BIN)/python -m local down

deploy: $(INSTALLED) ## Deploy to the AWS account of your credentials (STAGE=qa or production)
	$(CDK) deploy --all --app "$(BIN)/python app.py" --context stage=$(STAGE) $(ARGS)

lock: $(INSTALLED) ## Pin everything that requirements.txt brings along, in requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate requirements.txt -o requirements.lock

clean: ## Remove what was built here (not the embedded cloud's state: that is `make down`)
	rm -rf $(VENV) build cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
