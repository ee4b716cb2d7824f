# The commands of the README. Each makes what it needs: `make test` works in a clean clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A folder of vendors' OpenAPI documents, which are no part of the project: requests and sandboxes are judged by them.
VENDOR_SPECS ?=
SPECS := $(if $(VENDOR_SPECS),--vendor-specs=$(VENDOR_SPECS))
TESTS := -m "not slow" -n 2 --dist worksteal $(SPECS)
# What has to be covered is covered by its own tests; tracing the others too would double their time.
COVERED := $(filter-out tests/query/test_exactness.py, \
	$(wildcard tests/query/test_*.py tests/protocol/test_*.py tests/upstream/test_*.py tests/test_*.py))

.PHONY: demo test lint quick check bench lock clean

demo: $(VENV)/.installed
	$(BIN)/scim-bridge demo

test: lint quick

lint: $(VENV)/.developer
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

quick: $(VENV)/.developer
	$(BIN)/pytest $(TESTS) $(COVERED) --cov --cov-report=
	$(BIN)/coverage report --include='scim_bridge/query/*,scim_bridge/protocol/*,scim_bridge/upstream/*' --fail-under=95
	$(BIN)/pytest $(TESTS) tests $(addprefix --ignore=,$(COVERED))

# What takes long or starts other programs: real SCIM servers, wheels in new environments, long hypothesis runs.
check: $(VENV)/.developer
	$(BIN)/pytest -m slow $(SPECS)
	SCIM_BRIDGE_EXAMPLES=5 $(BIN)/pytest tests/query/test_exactness.py tests/test_filters.py tests/mirror/test_sql.py \
		tests/providers/onelogin/test_filters.py tests/providers/sailpoint_iiq/test_filters.py -n 2 --dist worksteal

bench: $(VENV)/.developer
	$(BIN)/python -m tests.bench

# The versions that `make test` and CI install, and of them those that the image has.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(VENV)/.developer
	$(BIN)/pip install --quiet pip-tools
	$(COMPILE) --extra dev -o requirements-dev.lock pyproject.toml
	$(COMPILE) --constraint requirements-dev.lock -o deploy/requirements.lock pyproject.toml

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.developer: $(VENV)/bin/python pyproject.toml requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .coverage* .hypothesis .mypy_cache .ruff_cache
