# Two commands: `make run` and `make test`. The rest is for those who work on LLM Router.
#
# What was installed or built leaves a file behind (the stamps below), so that a second run starts at once
# and does again only what a changed lock or source asks for.

SHELL := /bin/sh
PYTHON ?=
BIN := .venv/bin
STATIC := src/llm_router/web/static/index.html
# Folders are named too: theirs is the time that changes when a file is removed.
FRONTEND_SOURCES := $(wildcard frontend/*.json frontend/*.ts frontend/*.html) \
	$(shell find frontend/src frontend/public 2>/dev/null)
BENCHMARKS := $(wildcard benchmarks/bench_*.py)
UV = $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
UV_EXPORT = $(UV) export --quiet --frozen --no-header --no-emit-project --format requirements-txt

# Python's scripts and the editable install hold the folder's name: after a move, or when the Python
# beneath is gone, .venv is made anew.
ifneq ($(shell cat .venv/.made 2>/dev/null && $(BIN)/python -c '' 2>/dev/null && echo works),$(CURDIR) works)
.PHONY: .venv/.made
endif

export NPM_CONFIG_UPDATE_NOTIFIER := false
export NPM_CONFIG_FUND := false
export NPM_CONFIG_AUDIT := false

.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test setup setup-dev dev lint format bench image-test lock clean

# $(call step,name,command): runs a check, and if it fails says which one it was.
step = @printf '\n── %s\n' '$(1)'; $(2) || { printf '\n── make $@ stopped: %s failed.\n' '$(1)' >&2; exit 1; }

help: ## this list
	@printf 'LLM Router. In this folder:\n\n'
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

run: setup ## set up what is needed, and start on http://127.0.0.1:8000 (or HOST, PORT)
	@$(BIN)/llm-router serve

test: setup-dev lint ## every check and every test
	$(call step,vitest,npm --prefix frontend run --silent test)
	$(call step,byte budget,npm --prefix frontend run --silent budget)
	$(call step,Chromium,scripts/find_chromium.sh --install)
	$(call step,the page in Chromium,CHROMIUM="$$(scripts/find_chromium.sh)" npm --prefix frontend run --silent e2e)
	$(call step,Lighthouse,CHROMIUM="$$(scripts/find_chromium.sh)" npm --prefix frontend run --silent lighthouse -- --check)
	$(call step,pytest,CHROMIUM="$$(scripts/find_chromium.sh)" $(BIN)/pytest)

setup: .venv/.run $(STATIC) ## what run needs, and no more

setup-dev: .venv/.dev frontend/node_modules/.dev $(STATIC)

dev: setup-dev ## the server and Vite, both reloading; Ctrl-C stops both
	@$(BIN)/python scripts/dev.py

lint: setup-dev ## the checks alone
	$(call step,ruff check,$(BIN)/ruff check)
	$(call step,ruff format,$(BIN)/ruff format --check)
	$(call step,import-linter,$(BIN)/lint-imports --no-logo)
	$(call step,mypy,$(BIN)/mypy)
	$(call step,Biome,npm --prefix frontend run --silent check -- --colors=$$([ -t 1 ] && echo force || echo off))
	$(call step,tsc,npm --prefix frontend run --silent typecheck)

format: setup-dev ## put all sources in order
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format
	npm --prefix frontend run --silent format

bench: setup-dev ## measure; each file of benchmarks/ prints a table, and so does the page in Chromium
	@set -e; for file in $(BENCHMARKS); do printf '\n── %s\n' "$$file"; $(BIN)/python "$$file"; done
	$(call step,first load of the page,npm --prefix frontend run --silent budget)
	$(call step,Chromium,scripts/find_chromium.sh --install)
	$(call step,Lighthouse,CHROMIUM="$$(scripts/find_chromium.sh)" npm --prefix frontend run --silent lighthouse)
	$(call step,the page under load,CHROMIUM="$$(scripts/find_chromium.sh)" npm --prefix frontend run --silent bench)

image-test: ## build the image for real and run it (Debian, root, buildah)
	@python3 scripts/image_test.py $(IMAGE_TEST_FLAGS)

lock: .venv/.dev ## resolve all dependencies anew, and write the lock files
	$(UV) lock --upgrade --python $(BIN)/python
	$(UV_EXPORT) --no-dev --output-file requirements.lock
	$(UV_EXPORT) --no-dev --extra local --output-file requirements-local.lock
	$(UV_EXPORT) --group dev --extra local --output-file requirements-dev.lock
	npm --prefix frontend run --silent lock

clean: ## remove all that was installed, built or cached; data/ and .env stay
	rm -rf .venv frontend/node_modules src/llm_router/web/static dist build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ── The stamps ──

.venv/.made:
	@python=$$(PYTHON="$(PYTHON)" scripts/find_python.sh) && rm -rf .venv && echo "Making .venv with $$python" && \
	"$$python" -m venv $$(command -v uv >/dev/null && echo --without-pip) .venv
	@echo "$(CURDIR)" > $@

.venv/.run: .venv/.made requirements.lock requirements-local.lock pyproject.toml
	@echo "Installing the Python packages"
	@scripts/install_python.sh run

.venv/.dev: .venv/.run requirements-dev.lock
	@echo "Installing the Python packages for development"
	@scripts/install_python.sh dev

frontend/node_modules/.run: frontend/package.json frontend/package-lock.json
	@scripts/check_node.sh
	@echo "Installing the packages of the front end"
	@npm --prefix frontend ci --omit=dev
	@touch $@

# npm ci begins by removing what is there, the other stamp included.
frontend/node_modules/.dev: frontend/package.json frontend/package-lock.json
	@scripts/check_node.sh
	@echo "Installing the packages of the front end for development"
	@npm --prefix frontend ci
	@touch frontend/node_modules/.run $@

$(STATIC): frontend/node_modules/.run $(FRONTEND_SOURCES)
	@echo "Building the front end"
	@npm --prefix frontend run --silent build
	@touch $@
