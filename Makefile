# Two commands: `make reproduce` (figures, tables, report) and `make test`. Both build .venv themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORLD  ?= mini
OUTPUT ?= .
# Which world and where to: `make reproduce WORLD=paper MODEL=xlm-roberta-base OUTPUT=xlmr`.
WHICH  = --world $(WORLD) --output '$(OUTPUT)' \
	$(if $(MODEL),--model '$(MODEL)') $(if $(TREEBANKS),--treebanks '$(TREEBANKS)')

# No model hub and no download but packages; one thread a process, so that two runs add in the same order.
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false
# Progress bars are for people: in a stored notebook they are noise.
QUIET := TQDM_DISABLE=1 HF_HUB_DISABLE_PROGRESS_BARS=1
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SOURCES   := $(wildcard notebooks/src/*.py)
NOTEBOOKS := $(patsubst notebooks/src/%.py,notebooks/%.ipynb,$(SOURCES))

.PHONY: help reproduce test lab notebooks lint types unit nbval mini pretrain card readme bench clean

help:  ## Say what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp is written last: an interrupted installation is begun again.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "pitfalls needs Python 3.10 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

reproduce: $(VENV)/.ready  ## Run all configurations and the notebooks; write figures/, results/ and report.html
	$(BIN)/pitfalls sweep $(WHICH)
	$(BIN)/pitfalls reproduce $(WHICH)

test: lint types unit nbval  ## ruff, mypy, pytest with doctests, strict nbval

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

unit: $(VENV)/.ready
	$(BIN)/pytest -q

nbval: $(VENV)/.ready
	$(QUIET) PITFALLS_OUTPUT=$$(mktemp -d) $(BIN)/pytest -q -o addopts=-ra --nbval --nbval-current-env notebooks/*.ipynb

lab: $(VENV)/.ready  ## Open JupyterLab on the notebooks (LAB='--no-browser --port 8889' for options)
	$(BIN)/jupyter lab --notebook-dir notebooks $(LAB)

notebooks: $(NOTEBOOKS)  ## Build and execute the notebooks from their percent-format sources

notebooks/%.ipynb: notebooks/src/%.py $(VENV)/.ready
	$(BIN)/jupytext --quiet --to ipynb --set-kernel python3 --output $@.part.ipynb $<
	$(QUIET) PITFALLS_OUTPUT=$$(mktemp -d) $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace \
		--ExecutePreprocessor.timeout=600 $@.part.ipynb
	mv $@.part.ipynb $@

mini: $(VENV)/.ready  ## Write the generated treebanks of data/mini anew (byte for byte the same)
	$(BIN)/pitfalls mini

pretrain: $(VENV)/.ready  ## Train the mini multilingual BERT anew (resumes; about 40 minutes on two cores)
	OMP_NUM_THREADS=2 $(BIN)/pitfalls pretrain

card: $(VENV)/.ready  ## Measure the mini BERT and write its model card
	$(BIN)/pitfalls card

readme: $(VENV)/.ready  ## Write the README's badges from the address in pyproject.toml
	$(BIN)/python -m pitfalls.study.readme

bench: $(VENV)/.ready  ## Measure speed and memory against the slow ways (about 25 minutes on an idle machine)
	$(BIN)/python -m benchmarks.rankings --output benchmarks/results
	$(QUIET) $(BIN)/python -m benchmarks.interventions --output benchmarks/results
	$(QUIET) $(BIN)/python -m benchmarks.scaling --output benchmarks/results
	$(BIN)/python -m benchmarks.readme

clean:  ## Remove what the commands wrote, but not .venv
	rm -rf build figures results unfinished report.html
