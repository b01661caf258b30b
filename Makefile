# make            the environment, the run `digits`, its report
# make test       lint, unit, conformance and workflow tests
# make test-slurm a real SLURM on this machine and runs on it; SHORT=1: one run (root on Debian)
# make bench      the benchmarks
# make env        the environment alone
# Another run: make CONFIG=config/smoke.yaml; several files are merged left to right

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
CONFIG ?=
BIN := .venv/bin

# CONFIG is one file, whatever its name, or several words
quoted = '$(subst ','\'',$(1))'
exists = $(shell test -f $(call quoted,$(1)) && echo yes)
CONFIGS := $(strip $(if $(call exists,$(CONFIG)),$(call quoted,$(CONFIG)),$(foreach file,$(CONFIG),$(call quoted,$(file)))))
ifneq ($(call exists,$(CONFIG)),yes)
$(foreach file,$(CONFIG),$(if $(call exists,$(file)),,$(error CONFIG=$(CONFIG): there is no such file; runs that come with this project: $(wildcard config/*.yaml))))
endif
SNAKEMAKE := $(BIN)/snakemake
CONFIGFILES := $(if $(CONFIGS),--configfile $(CONFIGS))
# The checked configuration's run, or one sentence on what is wrong with it
NAME := PYTHONPATH=src $(BIN)/python -m palimpsest.config $(CONFIGFILES)

# Where it is set, as in containers, each of some hundred processes would compile all that it imports
unexport PYTHONDONTWRITEBYTECODE

.PHONY: all env run report lint test test-slurm bench moved
.DEFAULT_GOAL := all

all: run
	@run=$$($(NAME)) && $(MAKE) --no-print-directory report RUN="$$run"

run: env
	@for folder in .snakemake logs results; do \
	    if [ -e $$folder ] && [ ! -d $$folder ]; then \
	        echo "error: $$folder is a file where a folder belongs; move it away, then run again" >&2; exit 1; \
	    fi; \
	done
	@$(NAME) > /dev/null
	@exec $(BIN)/python tools/show_progress.py $(SNAKEMAKE) $(CONFIGFILES)

ifdef RUN
report: results/$(RUN)/report.html
	@echo "report: $<   notebooks:" results/$(RUN)/*/report.html

# Snakemake's self-contained report, made again when a study's notebook, which needs all else, is
# newer; under another name until it is whole. The next run removes what is half written.
results/$(RUN)/report.html: $(wildcard results/$(RUN)/*/report.html)
	@mkdir -p logs/$(RUN)
	@$(SNAKEMAKE) --report $(@D)/.report.partial.html --report-stylesheet reports/report.css \
	    $(CONFIGFILES) > logs/$(RUN)/report.log 2>&1 || { cat logs/$(RUN)/report.log; exit 1; }
	@tail -c 100 $(@D)/.report.partial.html | grep -q '</html>' || \
	    { echo "error: $@ could not be written whole; is the disk full?" >&2; exit 1; }
	@mv $(@D)/.report.partial.html $@
endif

env: .venv/installed

# Everything is pinned by hash and goes into .venv; nothing else on the machine is touched. Its
# programs name the folder that they were made for, so a moved one is made anew.
MOVED := $(shell [ ! -e .venv/bin/activate ] || grep -qF "$$(realpath .venv)" .venv/bin/activate || echo moved)
.venv/installed: envs/requirements.lock $(MOVED)
	@echo "setting up .venv from $<"
	@$(PYTHON) -m venv $(if $(MOVED),--clear) .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

moved:
	@echo ".venv was made for another folder: it is made anew"

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy src/palimpsest
	$(BIN)/snakemake --lint

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/conformance tests/steps benchmarks
	$(BIN)/python -m pytest tests/workflow

test-slurm: env
	$(BIN)/python tests/slurm/run.py $(if $(SHORT),--short)

bench: run
	$(BIN)/python benchmarks/stacks.py --out results/bench/stacks.json
	$(BIN)/python benchmarks/sweep.py --out results/bench/sweep.json
	$(BIN)/python benchmarks/klom.py --out results/bench/klom.json
	$(BIN)/python benchmarks/whole_run.py --run digits --out results/bench/whole_run.json
