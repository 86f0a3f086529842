# make up      run Voltbridge here (CSMS and API), data in ./voltbridge-data
# make test    everything CI checks: lint, types, import rules, tests
# make bench   the benchmarks, written to build/bench.json
# make lock    pin the dependencies anew

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: up test check lint types imports pytest bench format generate lock clean

up: $(VENV)/up.stamp
	@$(BIN)/voltbridge up $(ARGS)

test: check pytest

check: lint types imports

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports --no-cache

pytest: $(VENV)/dev.stamp
	PYTHONHASHSEED=0 $(BIN)/pytest -n $(WORKERS) --dist loadgroup --reruns 1 $(ARGS)

bench: $(VENV)/dev.stamp
	@mkdir -p build
	$(BIN)/python -m benches --out build/bench.json $(ARGS)

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/dev.stamp
	$(BIN)/python tools/generate_protocol.py

lock: $(VENV)/dev.stamp
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --no-emit-index-url --no-header --no-annotate --group dev pyproject.toml -o requirements-dev.lock

$(VENV)/up.stamp: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Voltbridge needs Python 3.11 or newer: install it, or say where it is with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Voltbridge needs Python 3.11 or newer; $(PYTHON) is older. Say another with PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/up.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
