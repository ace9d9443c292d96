# What a person does here. `make help` lists it. Every target may be run again.

# The first Python on the path that will do; `make setup PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done; echo python3)
UV_VERSION := 0.13.8
TORCH := $(shell grep -E '^torch==' requirements.txt)
BIN := .venv/bin
STAMP := .venv/.installed
# As many tests at once as there are cores, four at most; a file stays together, with what it set up.
PYTEST_ARGS ?= --numprocesses auto --maxprocesses 4 --dist loadfile

# uv brings certificates of its own; a machine behind a company's proxy has what it needs in the system's.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),true,false)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint format up down status lock bench clean
.DELETE_ON_ERROR:

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 18

setup: $(STAMP)  ## make the virtual environment .venv from the lock (all other targets do this first)

demo: $(STAMP)  ## set up, find the anomalies hidden in two weeks of sample logs, leave Airflow running
	@$(BIN)/deeplog-ops demo

up: $(STAMP)  ## start PostgreSQL and Airflow, with the data of last time
	@$(BIN)/deeplog-ops up

down:  ## stop everything that was started here; the data stays
	@test ! -x $(BIN)/deeplog-ops || $(BIN)/deeplog-ops down

status: $(STAMP)  ## what runs here, and where
	@$(BIN)/deeplog-ops status

test: $(STAMP)  ## the tests, without the slow ones that need minutes
	@$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

test-slow: $(STAMP)  ## the slow ones: an installation beside an Airflow of somebody else's
	@$(BIN)/python -m pytest -m slow

lint: $(STAMP)  ## ruff, its formatter and mypy, changing nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)  ## put the code into the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP)  ## lines a second and peak memory, beside drain3
	@$(BIN)/python -m benchmarks

lock: $(STAMP)  ## write requirements.txt anew from pyproject.toml (UPGRADE=--upgrade takes the newest)
	@mkdir -p build && cp requirements.txt build/requirements.txt
	@# Pins of torch's CUDA packages would break machines that use its CPU build: torch brings its own.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header $(UPGRADE) \
		--extra airflow --extra local --extra s3 --extra dev --group lock pyproject.toml -o build/requirements.txt
	@{ echo "# The lock, for Python 3.11 to 3.13. Written by \`make lock\`: change pyproject.toml instead."; \
		grep -vE '^(nvidia-|cuda-|triton)' build/requirements.txt; } > requirements.txt
	@grep -c == requirements.txt | sed 's/$$/ packages pinned in requirements.txt/'

clean: down  ## stop everything and delete the virtual environment, all local data and caches
	@test ! -x $(BIN)/deeplog-ops || $(BIN)/deeplog-ops down --delete-data
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMP): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: deeplog-ops needs Python 3.11, 3.12 or 3.13 (make setup PYTHON=/path/to/python3.12)"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(f"deeplog-ops needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is {v}. Name another: make setup PYTHON=/path/to/python3.12")'
	@echo "Setting up .venv with $$($(PYTHON) --version); the first time downloads about 1 GB, more with a CUDA build of torch"
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv .venv; } \
		|| { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@# Everything that is locked comes as it stands. torch alone resolves its own dependencies, by pip: an ordinary
	@# machine gets the CUDA build with the packages it names, one configured for a CPU build gets that.
	@grep -v '^torch==' requirements.txt | $(BIN)/uv pip install --python $(BIN)/python --no-deps --requirements -
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off $(TORCH) | { grep -v 'already satisfied' || true; }
	@$(BIN)/python -c 'import torch'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
