# Two commands: `make reproduce` (figures, tables, report) and `make test`. Both build .venv themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORLD  ?= mini
OUTPUT ?= .
# How many test files, and how many notebooks for nbval, run side by side, each on OMP_NUM_THREADS threads.
UNIT_AT_ONCE ?= 2
NBVAL_AT_ONCE ?= 2
# In the mini world, `make reproduce` recomputes one configuration of each model, compares it with the stored study, and
# takes the others from there; SPOT_CHECKS= (nothing) recomputes all of them (hours).
SPOT_CHECKS ?= $(if $(filter mini,$(WORLD)),1)
# Which world, and where the output goes: `make reproduce WORLD=paper MODEL=xlm-roberta-base OUTPUT=xlmr`.
WHICH  = --world $(WORLD) --output '$(OUTPUT)' \
	$(if $(MODEL),--model '$(MODEL)') $(if $(TREEBANKS),--treebanks '$(TREEBANKS)') \
	$(if $(CONVERSION),--conversion '$(CONVERSION)')

# No model hub, and no downloads except packages; one thread per process, so that two runs add in the same order.
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false
# Progress bars are for people: in a stored notebook they are noise.
# Guesses made by a build go into a temporary file: only a reader's own are kept.
QUIET := PITFALLS_GUESSES=$$(mktemp -d)/guesses.json TQDM_DISABLE=1 HF_HUB_DISABLE_PROGRESS_BARS=1
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SOURCES   := $(wildcard notebooks/src/*.py)
NOTEBOOKS := $(patsubst notebooks/src/%.py,notebooks/%.ipynb,$(SOURCES))

.PHONY: help reproduce test lab notebooks student versions nbgrader lint types unit slow nbval portable portable-study colab slides book
.PHONY: mini pretrain card real readme bench clean

help:  ## List these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp is written last, so that an interrupted installation starts again.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "pitfalls needs Python 3.10 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

reproduce: $(VENV)/.ready  ## Check the stored studies, run the notebooks; write figures/, results/ and report.html
	$(BIN)/pitfalls sweep $(WHICH) $(if $(SPOT_CHECKS),--spot-checks $(SPOT_CHECKS))
	$(BIN)/pitfalls reproduce $(WHICH)

test: lint types unit nbval  ## ruff, mypy, the quick tests with doctests, strict nbval

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

unit: $(VENV)/.ready
	$(BIN)/pytest -q -m 'not slow' -n $(UNIT_AT_ONCE) --dist loadfile

slow: $(VENV)/.ready  ## The slower tests: browser, nbgrader, book, benchmarks, whole commands and studies
	$(BIN)/pytest -q -m slow -n $(UNIT_AT_ONCE) --dist loadfile tests

# PORTABLE=1 runs the notebooks with the rounding of another processor.
nbval: $(VENV)/.ready
	$(QUIET) $(if $(PORTABLE),$(ELSEWHERE)) PITFALLS_OUTPUT=$$(mktemp -d) \
		$(BIN)/pytest -q -o addopts=-ra -n $(NBVAL_AT_ONCE) --dist loadfile --nbval --nbval-current-env notebooks/*.ipynb

# Weights and word vectors moved by a part in 10^12, and NumPy as on another processor: see tests/test_portable.py.
ELSEWHERE = PITFALLS_PERTURB=1e-12 PITFALLS_CACHE='$(CURDIR)/build/portable' OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive \
	NPY_DISABLE_CPU_FEATURES='X86_V3 X86_V4' OPENBLAS_CORETYPE=Nehalem

portable: portable-study  ## Check that another processor and two threads would print and store the same digits
	$(MAKE) nbval PORTABLE=1

portable-study: $(VENV)/.ready
	$(ELSEWHERE) PITFALLS_PORTABLE=four $(BIN)/pytest -q -n $(UNIT_AT_ONCE) tests/test_portable.py

colab: $(VENV)/.ready  ## Run the notebooks with Google Colab's versions, from a wheel (half an hour; COLAB=00,02 for some)
	PITFALLS_COLAB=$(or $(COLAB),all) $(BIN)/pytest -q -m colab tests/test_colab_notebooks.py

lab: $(VENV)/.ready  ## Open JupyterLab on the notebooks (LAB='--no-browser --port 8889' for options)
	$(BIN)/jupyter lab --notebook-dir notebooks --LabApp.news_url=None $(LAB)

notebooks: $(NOTEBOOKS)  ## Build and execute the notebooks from their percent-format sources

notebooks/%.ipynb: notebooks/src/%.py $(VENV)/.ready
	$(BIN)/jupytext --quiet --to ipynb --set-kernel python3 --output $(@D)/part.$(@F) $<
	$(BIN)/python -m pitfalls.course.versions instructor $(@D)/part.$(@F)
	$(QUIET) PITFALLS_OUTPUT=$$(mktemp -d) $(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace \
		--ExecutePreprocessor.timeout=600 $(@D)/part.$(@F)
	mv $(@D)/part.$(@F) $@

student: $(VENV)/.ready  ## Write the student's version of every notebook to notebooks/student
	$(BIN)/python -m pitfalls.course.versions student notebooks/student

versions: notebooks  ## Write both versions: rebuild the notebooks older than their sources, then the students'
	$(MAKE) student

nbgrader: $(VENV)/.ready  ## Write nbgrader's course folder to build/nbgrader
	$(BIN)/python -m pitfalls.course.versions nbgrader build/nbgrader

mini: $(VENV)/.ready  ## Write the generated treebanks of data/mini again (byte for byte the same)
	$(BIN)/pitfalls mini

pretrain: $(VENV)/.ready  ## Train the mini BERT again, or with MODEL=xlmr another mini model (resumes if stopped)
	OMP_NUM_THREADS=2 $(BIN)/pitfalls pretrain $(if $(MODEL),--model '$(MODEL)')

card: $(VENV)/.ready  ## Measure the mini BERT, or with MODEL=xlmr another mini model, and write its model card
	$(BIN)/pitfalls card $(if $(MODEL),--model '$(MODEL)')

real: $(VENV)/.ready  ## Fetch two real language models and study them (a little over two hours; resumes; TREEBANKS=folder with EWT)
	$(BIN)/pitfalls real $(if $(TREEBANKS),--treebanks '$(TREEBANKS)') --output '$(OUTPUT)'

readme: $(VENV)/.ready  ## Write the README's badges from the address in pyproject.toml
	$(BIN)/python -m pitfalls.study.readme

bench: $(VENV)/.ready  ## Measure speed and memory against the slow ways (about 35 minutes on an idle machine)
	$(BIN)/python -m benchmarks.rankings --output benchmarks/results
	$(QUIET) $(BIN)/python -m benchmarks.interventions --output benchmarks/results
	$(QUIET) $(BIN)/python -m benchmarks.models --output benchmarks/results
	$(QUIET) $(BIN)/python -m benchmarks.scaling --output benchmarks/results
	$(BIN)/python -m benchmarks.readme

slides: $(VENV)/.ready  ## Write slides from the executed notebooks to build/slides (no network needed)
	$(BIN)/python -m pitfalls.course.slides --output build/slides notebooks/[0-9]*.ipynb

book: $(VENV)/.ready  ## Write the course as a website to build/book, from the executed notebooks
	$(BIN)/python docs/book/build.py --output build/book

clean:  ## Remove what the commands wrote, except .venv and the stored results of all configurations
	rm -rf build figures report.html
	find results -type f ! -name 'study-*.zip' -delete
