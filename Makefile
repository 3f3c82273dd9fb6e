# The vocabulary of the project. Every target sets up what it needs; a second call reuses it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests, a file each at a time; files in their order, so that the longest are not the last.
# One more than the two cores of a small machine: tests of services wait.
WORKERS ?= 3
BROWSER := tests/browser/node_modules/.installed
SOURCES := setup.py pyproject.toml constraints.txt $(shell find core_ext -name '*.pyx' -o -name '*.pxd' -o -name '*.h')

# Where Python must not write what it compiles, each command would compile every module anew, which takes a second.
COMPILE := $(BIN)/python -m compileall -q ons_assets core_ext

.PHONY: demo serve test test-spark coverage fuzz bench lint format docs pages docs-links clean

demo: $(VENV)/.installed
	@$(BIN)/ons-assets demo

serve: $(VENV)/.installed
	@$(BIN)/ons-assets serve

# Tests write and sync thousands of small files: in memory where there is room for them, which halves their time.
ROOM_KB := 4000000
MEMORY := $(shell [ -w /dev/shm ] && df -Pk /dev/shm | awk 'NR == 2 && $$4 > $(ROOM_KB) {print "TMPDIR=/dev/shm"}')
TESTS := -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed-dev $(BROWSER)
	$(MEMORY) $(BIN)/python $(TESTS)

# The engines once more, on a cluster of Apache Spark on this machine: a master, two workers, their losses. It takes minutes.
# Spark's package is laid before the one of its client, which the other tests have.
SPARK := .spark
test-spark: $(VENV)/.installed-dev
	@command -v java >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless) >/dev/null \
		|| (echo "Spark needs Java 17: install it" && exit 1)
	test -d $(SPARK)/pyspark || $(BIN)/python -m pip install --quiet --no-deps --constraint constraints.txt --target $(SPARK) pyspark py4j
	ONS_ASSETS_SPARK_TESTS=cluster PYTHONPATH=$(CURDIR)/$(SPARK):$(CURDIR) $(BIN)/python -m pytest tests/engine

# The same tests, and which lines they reach: tracing takes as long again, so it is not done at every change.
coverage: $(VENV)/.installed-dev $(BROWSER)
	$(MEMORY) $(BIN)/python $(TESTS) --cov

# Damaged files of every source; MUTATIONS and SEED say how many, and which.
MUTATIONS ?= 20000
SEED ?= 1
fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz --mutations $(MUTATIONS) --seed $(SEED)

bench: $(VENV)/.installed-dev
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The documentation as a site: open build/site/index.html, no server is needed.
docs: pages $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "the documentation is in build/site/index.html"

# What pages say of the program, written anew.
pages: $(VENV)/.installed
	$(BIN)/python docs/generate.py
	$(BIN)/ons-assets parameters --markdown > docs/parameters.md

# Pages of others that ours link to: are they there still? It asks each, so it needs the internet, and is no test.
docs-links: $(VENV)/.installed
	$(BIN)/python docs/check_links.py

COMMA := ,
# What pip says is of use where it fails, and is shown then.
INSTALL = @echo "installing into $(VENV), which takes some minutes the first time"; \
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(1) >$(VENV)/pip.log 2>&1 || { cat $(VENV)/pip.log; exit 1; }

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed; say which with make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	$(call INSTALL,--upgrade pip)
	@touch $@

$(VENV)/.installed: $(SOURCES) | $(VENV)/.made
	$(call INSTALL,--editable .)
	@$(COMPILE)
	@touch $@

$(VENV)/.installed-docs: $(SOURCES) | $(VENV)/.made
	$(call INSTALL,--editable ".[docs]")
	@touch $(VENV)/.installed $@

# The kernels are built once: whoever runs the tests has the program, too.
$(VENV)/.installed-dev: $(SOURCES) | $(VENV)/.made
	$(call INSTALL,--editable ".[test$(COMMA)lint$(COMMA)docs]")
	@$(COMPILE)
	@touch $(VENV)/.installed $(VENV)/.installed-docs $@

# Pages are looked at in a browser where there is one; elsewhere those tests skip, and say what is missing.
$(BROWSER): tests/browser/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/browser --no-audit --no-fund --silent && touch $@; \
	else echo "there is no npm: pages are not looked at in a browser"; fi || echo "npm cannot install tests/browser"

clean:
	rm -rf $(VENV) $(SPARK) build *.egg-info tests/browser/node_modules tests/browser/pictures
	find core_ext \( -name '*.c' -o -name '*.so' \) -delete
