# envctl for people who live in make. `make` alone prints what there is.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
SEED ?= 1
# Handed on by the environment, so that no shell ever reads it.
export ENVCTL_PR := $(if $(PR),$(PR),$(ENVCTL_PR))

.DEFAULT_GOAL := help
.PHONY: help plan up destroy show list demo test lint check bench chaos clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

plan: $(READY) ## what `up` would do                    PR=42
	@$(BIN)/envctl plan

up: $(READY) ## bring an environment up              PR=42
	@$(BIN)/envctl up

destroy: $(READY) ## take an environment away             PR=42
	@$(BIN)/envctl destroy

show: $(READY) ## show one environment                 PR=42
	@$(BIN)/envctl show

list: $(READY) ## list all environments
	@$(BIN)/envctl list

demo: $(READY) ## everything once, on a local AWS (about 5 minutes)
	@$(BIN)/python tests/demo.py

# What takes longest comes first, so that nothing is left to wait for alone.
test: $(READY) ## every tier of tests (about 20 minutes)
	$(BIN)/python -m pytest -n 4 tests/properties tests/unit tests/contract tests/functional tests/fuzz tests/chaos --ignore tests/chaos/test_fixed.py
	$(BIN)/python -m pytest -n 8 --dist worksteal tests/e2e/test_refresh.py tests/e2e/test_pause.py tests/e2e/test_least_privilege.py tests/e2e/test_environments.py tests/e2e tests/modules tests/chaos/test_fixed.py

lint: $(READY) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint ## what a person runs before each commit
	$(BIN)/python -m pytest -q -n 4 tests/unit tests/contract tests/functional

bench: RUNS ?= 5
bench: $(READY) ## speed, as ratios against a hand-written script   RUNS=5
	@$(BIN)/python tests/bench/bench.py $(RUNS)

# FUZZ_EXAMPLES is for each test of tests/fuzz: more than 10,000 in all.
chaos: RUNS ?= 200
chaos: $(READY) ## faults thrown with dice, each to a good end (an hour)   RUNS=200 SEED=1
	FUZZ_EXAMPLES=450 $(BIN)/python -m pytest -q -n 2 tests/fuzz
	PYTHONPATH=tests $(BIN)/python -m chaos.run --runs $(RUNS) --seed $(SEED)

clean: ## remove what make and the tests made here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .envctl/demo .envctl/chaos

# The versions in constraints.txt are what everything was tested with.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (a minute or two, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
