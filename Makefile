# Every target does its own set-up. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(shell test -x $(BIN)/pip && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python) --disable-pip-version-check --quiet
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint check bench train-events evaluate fmt schemas docs faults fuzz audit pins up down clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo  ## set up, and run the whole service on the seed articles (ARGS=--keep leaves it running)
	@$(BIN)/newsstream demo $(ARGS)

test: $(VENV)/.dev  ## set up, and run every test (ARGS are pytest's)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev  ## format, style, types, imports and schemas
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/newsstream schemas check

check: lint  ## the same, and the fast tests: what the commit hook runs
	$(BIN)/python -m pytest -q -m "not kafka and not models and not processes" $(ARGS)

faults: $(VENV)/.dev  ## break things on Apache Kafka while articles flow, and count (CASES=1,2 chooses, ARGS=--short is quick)
	$(BIN)/python -m tests.faults $(if $(CASES),--cases $(CASES)) $(ARGS)

bench: .cache/bench/.done  ## measure against other ways to do the same, on Apache Kafka (25 minutes; ARGS=--quick tries it)
	@.cache/bench/bin/python -m bench $(ARGS)

audit: .cache/audit/.done  ## ask whether a pinned dependency of the service has a known weakness (asks PyPI itself)
	.cache/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/run.txt

train-events: $(VENV)/.dev  ## train the scorer of events on the corpus (minutes)
	$(BIN)/python -m training.events.train

evaluate: $(VENV)/.dev  ## measure events and entities on the held-out corpus, and write docs/evaluation/
	$(BIN)/newsstream evaluate events --gold training/corpus/*.txt --held-out --name held-out --write docs/evaluation/events.md
	$(BIN)/newsstream evaluate entities --engine accurate fast --gold training/corpus/*.txt --name held-out --write docs/evaluation/entities.md

SECONDS ?= 60
TARGET ?= all

fuzz: $(VENV)/.fuzz  ## look for inputs that break a law (SECONDS=60 for each TARGET=decode|text|pipeline|all)
	$(BIN)/python -m tests.fuzz --target $(TARGET) --seconds $(SECONDS)

fmt: $(VENV)/.dev  ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(VENV)/.dev  ## write schemas/ from the records
	$(BIN)/newsstream schemas write

UV_COMPILE = uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

pins: $(VENV)/.dev  ## pin the newest dependencies that pyproject.toml allows (needs uv)
	$(UV_COMPILE) pyproject.toml -o requirements/run.txt
	$(UV_COMPILE) --extra traces pyproject.toml -o requirements/traces.txt
	$(UV_COMPILE) --extra demo --extra build pyproject.toml -o requirements/demo.txt
	$(UV_COMPILE) --extra dev pyproject.toml -o requirements/dev.txt
	$(UV_COMPILE) --no-strip-extras --extra bench pyproject.toml -o requirements/bench.txt
	printf 'onnx\ntokenizers\ntorch\n' | $(UV_COMPILE) --no-annotate - -o requirements/train.txt
	echo pip-audit | $(UV_COMPILE) --no-annotate - -o requirements/audit.txt
	printf 'atheris>=3,<3.1\n' | $(UV_COMPILE) --no-annotate - -o requirements/fuzz.txt
	printf 'hatchling\neditables\n' | $(UV_COMPILE) --no-annotate -c requirements/demo.txt - -o requirements/build.txt

up:  ## start the compose stack: Kafka, the topics, two workers, Prometheus, Grafana
	docker compose up --build --detach

down:  ## stop it
	docker compose down

docs: $(VENV)/.dev  ## write, from the code, the tables of the README and of docs/, and the rules for Kubernetes
	$(BIN)/python -m tests.test_readme
	$(BIN)/python -m tests.deploy.rules

clean:  ## remove what make made
	rm -rf $(VENV) .cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "newsstream needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo "setting up $(VENV) (once, about two minutes)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip $(VENV)

.cache/audit/.done: requirements/audit.txt
	@$(PYTHON) -m venv --clear .cache/audit
	@.cache/audit/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/audit.txt
	@touch $@

# a virtual environment of its own: what others need is none of the service's business
.cache/bench/.done: requirements/bench.txt pyproject.toml
	@echo "setting up .cache/bench (once, some minutes)"
	@$(PYTHON) -m venv --clear .cache/bench
	@.cache/bench/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/bench.txt
	@.cache/bench/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@
