# Two commands on a fresh machine: `make provision` and `make test`. Everything else is listed by `make`.

PY := .venv/bin/python
EKSPROV := $(PY) -m eksprov
CONFIG ?= eksprov.yaml
FLAGS ?=
YES ?=
PYTHON ?=
SEEDS ?= 1000
ROWS ?=
SHELL := /bin/sh
# Written .pyc files let every later command start in a fraction of the time.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.SUFFIXES:

# --yes where YES=1 (or true, yes) was given, nothing where it was not.
yes := $(if $(filter 1 true yes,$(YES)),--yes)
digits := examples/digits/model/model.joblib
caches := .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov dist

.PHONY: help setup kubernetes provision deploy-model teardown plan test check laws faults mutants bench lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  CONFIG=FILE chooses another config, YES=1 answers questions, FLAGS='...' goes to the command,"
	@echo "  PYTHON=/path/to/python3.12 chooses the Python that .venv is made with."

setup: ## Make .venv and install everything into it (all others do this by themselves)
	@PYTHON='$(PYTHON)' scripts/setup.sh

provision: setup ## Make the stack: network, cluster, nodes, add-ons (locally, unless the config says aws)
	@test -e $(digits) || { echo 'training the example model, once' >&2; $(PY) examples/digits/train.py || true; }
	@$(EKSPROV) provision --config '$(CONFIG)' $(yes) $(FLAGS)

kubernetes: setup ## Find or build the local world's Kubernetes now, rather than with the first local cluster
	@$(PY) -m eksprov.local.controlplane

deploy-model: setup ## Serve the models of the config on the stack
	@$(EKSPROV) deploy-model --config '$(CONFIG)' $(yes) $(FLAGS)

teardown: setup ## Delete the whole stack and prove that nothing is left
	@$(EKSPROV) teardown --yes-if-local --down-if-empty --config '$(CONFIG)' $(yes) $(FLAGS)

plan: setup ## Show what provision would do, without doing it
	@$(EKSPROV) plan --config '$(CONFIG)' $(FLAGS)

test: setup ## Run all tests (TESTS='tests/core -x' runs some)
	@$(PY) -m pytest -n 2 --dist loadfile $(TESTS)

check: setup ## Check style, format, types and layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c 'import sys; from importlinter.cli import lint_imports_command as lint; sys.argv[0] = "lint-imports"; lint()'

laws: setup ## Run the laws only: what must hold for every kind, every config, every interruption
	@$(PY) -m pytest -q $(wildcard tests/laws) tests/core tests/config

faults: setup ## Run the reliability matrix in the simulator (SEEDS=1000, ROWS=R1,R3 runs some rows)
	@PYTHONHASHSEED=0 $(PY) scripts/faults.py --seeds '$(SEEDS)' $(if $(ROWS),--rows '$(ROWS)')

mutants: setup ## Break the code on purpose and count what the tests notice (COUNT=300, SEED=7; about 90 minutes)
	@$(PY) scripts/mutants.py --count '$(or $(COUNT),300)' $(if $(SEED),--seed '$(SEED)')

bench: setup ## Measure start-up and the pure parts, as ratios within one run
	@$(PY) scripts/bench.py

lock: setup ## Resolve pyproject.toml anew into requirements.lock
	@.venv/bin/uv pip compile --quiet --universal --no-header --generate-hashes --all-extras pyproject.toml -o requirements.lock

clean: ## Say and free what the caches hold (never state/, never a running local world)
	@scripts/clean.sh $(caches)
