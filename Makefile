# Tasks. Requires make, git and Python 3.11 or later with pip; everything else goes into .venv, at the
# versions pinned in requirements/*.txt.

PYTHON ?= python3
ARGS ?=
# Pinned because the layout of the lock files depends on the version.
UV_VERSION := 0.13.8

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check
PIP_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

TRAINING := $(BIN)/python -m training
EXPORT := $(BIN)/python -m export --replace-shipped $(ARGS)
TEACHER := runs/resnet/teacher-e80-b128-s1
PUPILS := mlp:200 cnn:80 lenet:150 lenet5:150 mobilenet:50
RESNET := --model resnet --recipe open-set --negatives runs/negatives.npz --pictures runs/pictures.npz
STRIPS := strips-e40-b48-s1
TIDY := tidy-e24-b48-s1-after-$(STRIPS)
CELLS := cells-e10-b48-s1-after-cells-e12-b48-s1-after-$(TIDY)
READER := --model reader --negatives runs/negatives.npz

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup serve test docs browser lint format lock weights clean

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.service ## Create .venv with the service and its command, .venv/bin/numeral.
	@echo 'Ready: $(BIN)/numeral'

serve: $(VENV)/.service ## Start the service; ARGS="--port 9000" passes options.
	$(BIN)/numeral serve $(ARGS)

test: lint $(if $(CI),browser) $(VENV)/.debian ## Run every check and all tests; ARGS="-k batch" goes to pytest.
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

docs: $(VENV)/.test ## Build the documentation into build/site; open build/site/index.html.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo 'Ready: build/site/index.html'

# The tests of the page are skipped without a browser. Nothing else is installed outside .venv;
# `make test` does this where CI is set.
browser: ## Install Chromium on the system, for the tests of the page (Debian, as root).
	@found=$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}; \
	if [ -z "$$found" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing Chromium for the tests of the page ...'; \
		{ apt-get -qq update && apt-get -qq install --no-install-recommends chromium; } >/dev/null \
			|| echo 'Chromium could not be installed: the tests of the page are skipped.' >&2; \
	elif [ -z "$$found" ]; then \
		echo 'No Chromium, and no root on Debian to install it: the tests of the page are skipped.' >&2; \
	fi

# Debian's programs and libraries that some tests run: Prometheus for the alerts, nginx for the path
# prefix, httpmime for the Java client. Unpacked instead of installed, because packages start servers.
$(VENV)/.debian: $(VENV)/.test
	@mkdir -p $(VENV)/debian && cd $(VENV)/debian && for package in prometheus nginx libhttpmime-java; do \
		{ apt-get download -qq $$package || { apt-get update -qq && apt-get download -qq $$package; }; } \
			&& dpkg-deb --extract $${package}_*.deb . && rm $${package}_*.deb; \
	done >/dev/null 2>&1; \
	for program in usr/bin/prometheus usr/bin/promtool usr/sbin/nginx; do \
		if [ -x $$program ]; then ln -sf ../debian/$$program ../bin/; \
		elif ! command -v $${program##*/} >/dev/null; then echo "No $${program##*/}: its tests are skipped." >&2; fi; \
	done
	@touch $@

lint: $(VENV)/.test ## Check style, types, imports and docker-compose.yml.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: $(VENV)/.test ## Format the code.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# uv preserves the pins in its output file, so starting from a copy of test.txt makes service.txt agree
# with it: `make test` installs one on top of the other. `make serve` and the image install service.txt,
# which includes both databases for feedback.
lock: $(VENV)/.uv ## Update requirements/*.txt; ARGS=--upgrade takes newer versions.
	$(PIP_COMPILE) --all-extras $(ARGS) --output-file requirements/test.txt
	cp requirements/test.txt $(VENV)/service.txt
	$(PIP_COMPILE) --extra build --extra postgres --output-file $(VENV)/service.txt
	mv $(VENV)/service.txt requirements/service.txt

# Takes hours on a few cores; continues after an interruption. Trained on another machine, a model can
# be worse than the shipped one by a few images: then ARGS=--force publishes it. The shares of the
# reader's strips changed between the trainings of the shipped one, so another differs more.
weights: $(VENV)/.test ## Train, export and describe all shipped models; NUMERAL_DATA has MNIST, mnist-writers, omniglot, orand-car-a and meza.
	@test -n "$$NUMERAL_DATA" || { echo 'Set NUMERAL_DATA to a directory with the IDX files of MNIST, mnist-writers, omniglot, orand-car-a and meza.' >&2; exit 2; }
	$(TRAINING) fit --model resnet --recipe teacher
	@for pupil in $(PUPILS); do \
		$(TRAINING) fit --model $${pupil%:*} --epochs $${pupil#*:} --recipe best --teacher $(TEACHER) || exit; \
	done
	$(TRAINING) negatives runs/negatives.npz --fonts-dir runs/fonts
	$(BIN)/python -m benchmarks.cut_out runs/pictures.npz
	@for fold in 1 2 3 4; do $(TRAINING) fit $(RESNET) --fold $$fold/4 || exit; done
	$(TRAINING) fit $(RESNET) --everything
	$(TRAINING) fit --model reader
	$(TRAINING) fit --model reader --initial runs/reader/$(STRIPS)
	$(TRAINING) fit $(READER) --initial runs/reader/$(TIDY) --epochs 12
	$(TRAINING) fit $(READER) --initial runs/reader/cells-e12-b48-s1-after-$(TIDY) --epochs 10
	$(TRAINING) fit $(READER) --initial runs/reader/$(CELLS) --epochs 14
	$(TRAINING) study --docs-dir docs/reports
	$(EXPORT) --study-dir runs --default resnet runs/resnet/open-set-e25-b128-s1-all \
		$(foreach pupil,$(PUPILS),runs/$(subst :,/best-e,$(pupil))-b128-s1-from-resnet-teacher-e80-b128-s1)
	$(EXPORT) runs/reader/cells-e14-b48-s1-after-$(CELLS)
	$(BIN)/python -m export.cards --docs-dir docs --readme README.md
	$(BIN)/python -m benchmarks.robustness
	$(BIN)/python -m benchmarks.fields

clean: ## Remove .venv, caches and built packages; training runs stay.
	rm -rf $(VENV) dist build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The files below are stamps: each is touched after its step, so that a step runs again only after an
# interruption or a change of its prerequisites.

$(VENV)/.service: requirements/service.txt pyproject.toml $(VENV)/.python
	@echo 'Installing the service into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements/service.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt clients/python/pyproject.toml $(VENV)/.service
	@echo 'Installing the dependencies of training and tests into $(VENV) (about 3.5 GB) ...'
	@$(PIP) install --require-hashes -r requirements/test.txt
	@$(PIP) install --no-deps --no-build-isolation --editable clients/python
	@touch $@

$(VENV)/.uv: Makefile $(VENV)/.python
	@$(PIP) install uv==$(UV_VERSION)
	@touch $@

# Debian and Ubuntu have ensurepip, which venv needs, in a separate package.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Numeral needs Python 3.11 or later, and "$(PYTHON)" is' "$$($(PYTHON) --version 2>&1)." >&2; \
		echo 'Use another one: make $(MAKECMDGOALS) PYTHON=python3.13' >&2; \
		exit 1; }
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		$(PYTHON) -m venv --clear $(VENV); \
	else \
		echo '"$(PYTHON)" has no venv module: using virtualenv instead ...'; \
		bootstrap=$$(mktemp -d); trap 'rm -rf "$$bootstrap"' EXIT; \
		$(PYTHON) -m pip install --quiet --no-input --target "$$bootstrap" virtualenv \
			&& PYTHONPATH="$$bootstrap" $(PYTHON) -m virtualenv --quiet --clear $(VENV) \
			|| { echo 'The virtual environment could not be created. Install the venv module of "$(PYTHON)"' \
				'(Debian, Ubuntu: apt-get install python3-venv) and try again.' >&2; exit 1; }; \
	fi
	@touch $@
