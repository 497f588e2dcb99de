# Two commands: `make run` answers the quickstart in the terminal, `make test` proves everything.
# Each creates what it needs; nothing has to be set up by hand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run lab test bench guide clean help

help:  ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(STAMP)-lab  ## Execute the quickstart notebook against the embedded model
	$(BIN)/python notebooks/run.py notebooks/00-quickstart.ipynb

lab: $(STAMP)-lab  ## Open the quickstart in JupyterLab
	$(BIN)/jupyter lab notebooks/00-quickstart.ipynb

test: $(STAMP)-test  ## Check style, types, layers and behaviour, the notebooks and the browser too
	.ci/system-packages
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env tests notebooks

bench: $(STAMP)-test  ## Print speed as ratios against llama.cpp's own benchmark
	$(BIN)/python -m tests.benchmarks

guide: $(STAMP)-train  ## Train the embedded model anew (three quarters of an hour on two cores)
	$(BIN)/python -m ollama_nb.guide.train

clean:  ## Remove the environment
	rm -rf $(VENV)

# One stamp per set of extras, renewed when the requirements change.
$(STAMP)-%: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v c++ >/dev/null || echo "No C++ compiler found; llama.cpp needs one: apt install g++, or xcode-select --install."
	@echo "Installing ollama_nb[$*]. The first time llama.cpp is compiled, which takes 6 to 10 minutes."
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
