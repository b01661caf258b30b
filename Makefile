# make            the environment, the run `digits`, its report
# make test       lint, unit, conformance and workflow tests
# make bench      the benchmarks
# make env        the environment alone
# Another run: make CONFIG=config/smoke.yaml

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
CONFIG ?=
ifneq ($(CONFIG),$(wildcard $(CONFIG)))
$(error CONFIG=$(CONFIG): there is no such file; runs that come with this project: $(wildcard config/*.yaml))
endif
RUN := $(lastword $(shell sed -n 's/^run: *\([^ \#]*\).*/\1/p' config.yaml $(CONFIG)))
BIN := .venv/bin
SNAKEMAKE := PYTHONUNBUFFERED=1 $(BIN)/snakemake $(if $(CONFIG),--configfile $(CONFIG))

.PHONY: all env run test lint bench
.DEFAULT_GOAL := all

all: run
	@$(MAKE) --no-print-directory results/$(RUN)/report.html
	@echo "report: results/$(RUN)/report.html   notebooks:" results/$(RUN)/*/report.html

run: env
	@$(SNAKEMAKE) 2>&1 | $(BIN)/python tools/show_progress.py

# Snakemake's self-contained report, made again when a study's notebook, which needs all else, is newer.
results/$(RUN)/report.html: $(wildcard results/$(RUN)/*/report.html)
	@$(SNAKEMAKE) --report $@ > logs/$(RUN)/report.log 2>&1 || { cat logs/$(RUN)/report.log; exit 1; }

env: .venv/installed

# Everything is pinned by hash and goes into .venv; nothing else on the machine is touched.
.venv/installed: envs/requirements.lock
	@echo "setting up .venv from $<"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy src/palimpsest
	$(BIN)/snakemake --lint

test: lint
	$(BIN)/python -m pytest -n 2 tests/unit tests/conformance tests/steps benchmarks
	$(BIN)/python -m pytest tests/workflow

bench: run
	$(BIN)/python benchmarks/stacks.py --out results/bench/stacks.json
	$(BIN)/python benchmarks/sweep.py --out results/bench/sweep.json
	$(BIN)/python benchmarks/klom.py --out results/bench/klom.json
	$(BIN)/python benchmarks/whole_run.py --run digits --out results/bench/whole_run.json
