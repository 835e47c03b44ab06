# The first Python 3.11 or later on this machine; PYTHON=/path/to/python overrides it.
PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3.13 python3.14 python3,\
    $(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)) python3)
VENV := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help environment env run up demo down status psql test test-all test-compose coverage check fix bench lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

environment:  ## install or fix .venv (every target below does this first)
	@$(PYTHON) -m local.bootstrap

env:  ## write .env, the secrets of the containers, once
	@PYTHONPATH=include $(PYTHON) -m local.dotenv

run: environment  ## start everything in the foreground, train, show a first prediction; Ctrl-C stops all
	@$(VENV)/python -m local run

up: environment  ## start everything in the background; train at the first start
	@$(VENV)/python -m local up

down: environment  ## stop everything
	@$(VENV)/python -m local down

status: environment  ## how each part is, and which model serves
	@$(VENV)/python -m local status

demo: up  ## the same, filled with 17 simulated weeks; `churn simulate --remove` removes them
	@$(VENV)/churn simulate --ageing 1 --shift 'contract=Month-to-month:0.3@-28'
	@$(VENV)/churn monitor

psql: environment  ## open the database
	@$(VENV)/python -m local psql

# Each worker has a PostgreSQL server of its own, and runs whole files: fixtures of a module are made once.
# One worker more than there are cores, as tests also wait.
FLOOR := 88
WORKERS = $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 5))' 2>/dev/null)
PARALLEL = -n $(WORKERS) --dist loadfile
QUICK := -m "not slow and not stack"
test: environment  ## the tests that show whether this clone works, in a few minutes
	@$(VENV)/pytest $(QUICK) $(PARALLEL) --durations=10

test-all: environment  ## every test that needs no Docker; those of the whole stack last, one at a time
	@status=0; \
	$(VENV)/pytest -m "not stack" $(PARALLEL) --durations=10 || status=1; \
	$(VENV)/pytest -m stack --durations=10 || status=1; \
	exit $$status

test-compose: environment  ## the stack in real containers: engine, images, kills, planted faults (root or Docker)
	@$(VENV)/pytest tests/compose --timeout=1800 --durations=10

coverage: environment  ## branch coverage by the tests of `make test`; fails below the floor
	@$(VENV)/pytest $(QUICK) $(PARALLEL) --cov --cov-report=term --cov-fail-under=$(FLOOR)

check: environment  ## formatters, linters, types, import contracts, SQL, compose files
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/sqlfluff lint include/churn/warehouse/sql
	$(VENV)/sqlfluff lint --templater raw include/churn/warehouse/migrations
	$(VENV)/python -m local.containers

fix: environment  ## format, and fix what the linters can fix safely
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .
	$(VENV)/sqlfluff fix include/churn/warehouse/sql

bench: environment  ## what is claimed about speed, measured here
	@$(VENV)/python -m benchmarks

COMPILE := $(VENV)/uv pip compile --quiet pyproject.toml
lock: environment  ## compile the locks again from pyproject.toml
	$(COMPILE) --group dev -o locks/dev.lock
	$(COMPILE) --group airflow -c locks/dev.lock -o locks/airflow.lock
	$(COMPILE) --group serving -c locks/dev.lock -o locks/serving.lock
	$(COMPILE) --group dashboard -c locks/dev.lock -o locks/dashboard.lock
	sed 's/==.*//;/^ /d;/^#/d' locks/bootstrap.lock | $(VENV)/uv pip compile --quiet - --generate-hashes --no-header --no-annotate -c locks/dev.lock -o locks/bootstrap.lock
