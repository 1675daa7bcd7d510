# Everything is installed into .venv; nothing outside this folder is changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Another pyproject.toml or other pins need another stamp; without one, everything is installed again.
KEY := $(shell cat pyproject.toml .ci/constraints.txt | cksum | tr ' ' '-')
STAMP := $(VENV)/.installed-$(KEY)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: demo test install check contract bench docs clean

demo: install ## the main job against a sandbox on this machine
	$(BIN)/nhi-revoke demo

# Counting lines makes runs half as slow again: the conformance kit, the incidents and the docs reach no line that others do not.
test: install ## the suite; fails under 95% of lines (contract tests: make contract)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not alone and not contract" --ignore tests/conformance --ignore tests/incident --ignore tests/docs --cov --cov-report= --cov-fail-under=0
	$(BIN)/python -m pytest -m alone --cov --cov-append --cov-report=term
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/conformance tests/incident tests/docs

install: $(STAMP)

# The stamp is written last: an interrupted installation leaves none.
$(STAMP): pyproject.toml .ci/constraints.txt
	rm -f $(VENV)/.installed-*
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --constraint .ci/constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[all]' --group dev
	$(BIN)/python -m compileall -q nhi_revoke providers
	touch $@

check: install ## lint, format, types, layers, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .

contract: install ## against vendors' own clients and real servers
	$(BIN)/python -m pytest -n 2 --dist loadfile -m contract -rs

bench: install ## each figure against a peer or a floor of the same run; writes benchmarks/RESULTS.md (ROWS=: which)
	$(BIN)/python -m benchmarks $(ROWS)

docs: install ## README's tables, completion scripts, and what docs/ shows, from the code
	$(BIN)/python -m nhi_revoke.completion.generate completions
	$(BIN)/python tests/repository/readme.py --tour
	$(BIN)/python -m tests.docs.reference
	$(BIN)/python -m tests.docs.run

clean:
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
