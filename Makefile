# Tideline. Needs Python 3.11 and make, nothing else: .venv is built on first use.
#
#   make run [PORT=8501]   open the planner's desk on this machine
#   make test              the tests, in five minutes on two cores
#   make test-slow         those that take longer, and the browser journeys where chromium is installed
#   make gauntlet          187 small and odd catalogs through everything (half an hour on two cores)
#   make check             style, types and the directions of imports
#   make bench             accuracy, buying, explanations, speed (hours; rebuilds docs/accuracy.md and docs/buying.md);
#                          ARGS=--quick for a rough answer in minutes

PYTHON ?= python3.11
PORT ?= 8501
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name) 2>/dev/null)))

# A file of tests stays in one process; each process holds torch, so there are at most four. One thread each: they share the cores.
SPREAD := -n auto --maxprocesses 4 --dist loadfile
test test-slow gauntlet: export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := run
.PHONY: run test test-slow gauntlet check bench

run: $(VENV)/.installed
	@$(BIN)/python -m forecasting prepare
	@echo "Starting the server. Point your browser at http://127.0.0.1:$(PORT) (Ctrl-C stops it)."
	@exec $(BIN)/streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT) --server.headless true \
		--server.enableXsrfProtection true --server.fileWatcherType none \
		--client.showErrorDetails none --client.toolbarMode viewer --browser.gatherUsageStats false

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest $(SPREAD) -m "not e2e and not slow and not gauntlet" $(ARGS)

test-slow: $(VENV)/.installed-dev
ifeq ($(CHROMIUM),)
	@echo "Skipping the browser journeys (tests marked e2e): no chromium here. On Debian: apt-get install chromium"
	@$(BIN)/python -m pytest $(SPREAD) -m "slow and not e2e and not gauntlet" $(ARGS)
else
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest $(SPREAD) -m "(slow or e2e) and not gauntlet" $(ARGS)
endif

# Each catalog is a test of its own: they are dealt one by one.
gauntlet: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m gauntlet tests/gauntlet $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(VENV)/.installed
ifeq ($(findstring --quick,$(ARGS)),)
	@$(BIN)/python bench/accuracy.py $(ARGS) --out bench/results/accuracy.json
	@$(BIN)/python bench/buy.py $(ARGS) --out bench/results/buying.json
	@$(BIN)/python bench/tables.py
	@$(BIN)/python bench/why.py $(ARGS) --out bench/results/why.json
else
	@$(BIN)/python bench/accuracy.py $(ARGS)
	@$(BIN)/python bench/buy.py $(ARGS)
	@$(BIN)/python bench/why.py $(ARGS)
endif
	@$(BIN)/python bench/desk.py $(ARGS)

# The stamps are younger than the requirements they stand for; an edited file installs again, an unchanged one costs nothing.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing the libraries of requirements.txt (a few minutes the first time) …"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing the test libraries of requirements-dev.txt …"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r requirements-dev.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "Tideline needs Python 3.11 and found none as '$(PYTHON)'."; \
		echo "Install it (Debian: apt-get install python3.11 python3.11-venv) or name it: make run PYTHON=/path/to/python3.11"; \
		exit 1; }
	@echo "Building $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "Python 3.11 could not build a virtual environment. On Debian its venv module is a package of its own:"; \
		echo "apt-get install python3.11-venv"; \
		exit 1; }
