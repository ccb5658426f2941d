# One word a task. Each does its own set-up in a fresh clone.
# On Windows they need bash and GNU make, which Git and the runners of forges bring.
PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# A process a core: each with one thread, for threads of several processes wait for each other.
# Eight at most, because each holds about a gigabyte.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help venv hooks demo quick test lint types check format bench clean

help:  ## list the tasks
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

venv: $(VENV)/.stamp  ## an environment with geoloc and its developer tools

# The stamp is as old as the last install: a changed pyproject.toml installs again.
$(VENV)/.stamp: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "geoloc needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	@echo 'Installing geoloc and what it needs into $(VENV) (PyTorch is large: a few minutes) ...'
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: venv  ## locate photos of a fabricated town, with a picture of the result
	$(BIN)/geoloc demo

quick test: export OMP_NUM_THREADS = 1

quick: venv  ## the tests that take no time, about a minute on two cores
	$(PYTEST) -m 'not slow'

test: venv  ## all tests
	$(PYTEST)

lint: venv  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv  ## static types
	$(BIN)/mypy

check: lint types test  ## all that CI runs

hooks: venv  ## lint and types before every commit of this clone
	$(BIN)/pre-commit install

format: venv  ## put the code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: venv  ## speed; prints figures, asserts none
	$(BIN)/python tests/benchmarks/embed.py
	$(BIN)/python tests/benchmarks/tile_memory.py
	$(BIN)/python tests/benchmarks/network_cost.py

clean:  ## remove what the tasks made, and the environment
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
