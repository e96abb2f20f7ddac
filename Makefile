# GNU make. Every target makes .venv on its own where it is missing, and installs again when the dependencies have changed.
#   make demo       train on digits and show what came out (installs what serve and studio need as well)
#   make test       format, lint, types, import rules, tests
#   make test-all   the same with the slow tests
#   make check      format, lint, types, import rules
#   make format     mend what ruff can mend
#   make clean      remove caches and builds (.venv and runs/ stay)
# PYTHON=/path/to/python3 chooses the Python that .venv is made with.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format clean

VENV := .venv
BIN := $(VENV)/bin
OLD_PYTHON = import sys; sys.exit(sys.version_info < (3, 11))

# The first Python that is new enough; empty where there is none. Evaluated only when .venv has to be made.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$name -c '$(OLD_PYTHON)' >/dev/null 2>&1; then command -v $$name; break; fi; done)

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/installed
	$(BIN)/mulligan demo

# Two processes share the cores, so that each computes with one thread.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-all: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/dev-installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev-installed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests docs examples benchmarks dev -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: Mulligan needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c '$(OLD_PYTHON)' || { echo "make: $(PYTHON) cannot be run or is older than 3.11. Name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "make: $(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[studio]"
	@touch $@

$(VENV)/dev-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/installed
