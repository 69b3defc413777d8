# Every task makes .venv first when it is missing or older than what it is made from. ARGS is handed on:
#   make behave ARGS="features/integration/worker_churn.feature"     make test ARGS=--no-sandbox

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help behave test nightly up doctor lint format clean

help: ## what each task does
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 10

behave: .venv/ready ## run the features on the daemons, and say where the report lies
	@$(BIN)/beehave run $(ARGS)

test: .venv/ready ## everything that must hold before a merge: lint, types, audits, unit tests, features, a fast proof
	@$(BIN)/python -m cluster test $(ARGS)

nightly: .venv/ready ## what takes longer: features in full length and three random orders, and the whole proof
	@$(BIN)/python -m cluster test --nightly $(ARGS)

up: .venv/ready ## start a queen, a hive and a worker, and leave them running until Ctrl-C
	@$(BIN)/python -m cluster up $(ARGS)

doctor: .venv/ready ## what this machine can do, and how to enable the rest
	@$(BIN)/beehave doctor $(ARGS)

lint: .venv/ready ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/ready ## rewrite the code in the project's form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## remove all that was made here: .venv, reports, caches
	rm -rf .venv reports .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Where Debian's python3-venv is missing, there is no pip to put into the new environment; an installed pip can
# still install into it from outside (pip 22.3 and newer).
.venv/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "beehave needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "making .venv with $(PYTHON) ..."
	@rm -rf .venv
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv .venv && pip="$(BIN)/python -m pip"; \
	else \
		$(PYTHON) -m venv --without-pip .venv && pip="$(PYTHON) -m pip --python $(BIN)/python"; \
	fi && $$pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' || { \
		echo "could not make .venv: see the message above; it needs pip and a package index that pip can reach" >&2; exit 1; }
	@touch .venv/ready
