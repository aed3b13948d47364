# Everything a developer does: `make help`. Needs only Python 3.11+, pip and make; see deploy/bootstrap.py.

PYTHON ?= python3
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BIN := $(ROOT)/.venv/bin
# More arguments for pytest or the benchmarks: make test ARGS="-k ledger"
ARGS ?=
# Test processes; the database server takes the rest of a small machine.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test check format bench clean install install-dev python

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(ROOT)/Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: install ## start everything on this machine; PORT, SANDBOX_PORT, VAR_DIR, DATABASE_URL, REDIS_URL change where
	@cd $(ROOT) && exec $(BIN)/python -m deploy.local run --stop-with-parent

test: install-dev ## run the test suite; ARGS="…" goes to pytest
	@cd $(ROOT) && exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: install-dev ## format, lint, types, templates, migrations, deployment checks, dependency audit
	@cd $(ROOT) && exec $(BIN)/python -m deploy.check

format: install-dev ## rewrite code and templates the way `make check` wants them
	@cd $(ROOT) && $(BIN)/ruff check --fix --exit-zero --quiet . ; $(BIN)/ruff format . ; $(BIN)/djlint --quiet --reformat templates

bench: install-dev ## run the benchmarks; ARGS="…" goes to them
	@cd $(ROOT) && exec $(BIN)/python -m bench $(ARGS)

clean: python ## remove the environment, caches and all local data (var/)
	@cd $(ROOT) && exec $(PYTHON) -m deploy.clean

install: python
	@$(PYTHON) $(ROOT)/deploy/bootstrap.py local

install-dev: python
	@$(PYTHON) $(ROOT)/deploy/bootstrap.py dev

# In syntax that any Python 3 reads: the sentence is for the one that is too old for the rest.
python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Namaskah SMS needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Namaskah SMS needs Python 3.11 or newer, and $(PYTHON) is older. Name another one: make PYTHON=python3.11 …"; exit 1; }
