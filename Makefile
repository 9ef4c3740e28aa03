# make demo, make test: both create what they need in .venv (PYTHON=python3.12 for another interpreter).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HAS_UV := $(shell command -v uv)
UV := $(or $(HAS_UV),.venv-lock/bin/uv)
INSTALL := $(if $(HAS_UV),uv pip install --python $(BIN)/python,$(BIN)/python -m pip install --disable-pip-version-check) --quiet --no-deps
WORKERS ?= 3 # most tests wait for processes: three at a time keep two cores busy

.PHONY: help setup demo test check unit coverage soak lint audit vulnerabilities lock bench docs dist release-check notes

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

setup: $(STAMP) ## what work on the project needs, in .venv

demo: $(STAMP) ## the main job end to end against the bundled Anypoint, in under a minute
	$(BIN)/mulesoft-audit demo

test: lint check ## lint, type check, and every test

check: $(STAMP) ## every test, or those in TESTS
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

unit: $(STAMP) ## the tests that start no process and no server: seconds
	$(BIN)/python -m pytest -m unit $(TESTS)

coverage: $(STAMP) ## every test, and a table of the lines and branches that none runs
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term $(TESTS)

soak: $(STAMP) ## runs, faults, tampering and repair at random, for SOAK times as long as a test (200: about an hour)
	SOAK=$(or $(SOAK),200) $(BIN)/python -m pytest --timeout 0 tests/evidence/test_state_machine.py

SCHEMA = $(BIN)/check-jsonschema --quiet --builtin-schema vendor

lint: $(STAMP) ## ruff, mypy, imports against the declared dependencies, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry src
	$(BIN)/zizmor --offline --quiet --no-progress .github
	$(SCHEMA).github-workflows .github/workflows/*.yml
	$(SCHEMA).github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(SCHEMA).github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA).dependabot .github/dependabot.yml

audit: $(STAMP) ## what is installed: does it fit together, and under which licences
	$(BIN)/python -m pip check
	$(BIN)/python -m tests.packaging.licences

vulnerabilities: $(STAMP) ## known vulnerabilities of everything that is locked; needs a network
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/audit.txt
	.venv-audit/bin/pip-audit --require-hashes --disable-pip --requirement requirements/dev.txt
	.venv-audit/bin/pip-audit --require-hashes --disable-pip --requirement src/mulesoft_audit/cloud/requirements.txt

bench: $(STAMP) ## what it costs, against the naive way and the floor: tables, JSON, plots; a quarter of an hour (BENCH=--quick: one)
	$(BIN)/python -m benchmarks.run $(BENCH)
	$(BIN)/python -m benchmarks.function
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.detect

.venv-lock/bin/uv: # where there is no uv
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv

COMPILE = $(UV) pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --quiet \
	--custom-compile-command 'make lock'
NOT_IN_FUNCTION = rich markdown-it-py mdurl pygments # for terminals

lock: $(UV) ## resolve the dependencies again: the developers', of the function, the image, the stub of terraform's providers
	$(COMPILE) requirements/build.in --group dev --all-extras --python-version 3.11 --output-file requirements/dev.txt
	$(COMPILE) --group function --extra gcp --python-version 3.12 --no-annotate --constraints requirements/dev.txt \
		$(NOT_IN_FUNCTION:%=--no-emit-package %) --output-file src/mulesoft_audit/cloud/requirements.txt
	$(COMPILE) --extra gcp --python-version 3.11 --no-annotate --constraints requirements/dev.txt \
		--output-file requirements/container.txt
	$(UV) pip compile requirements/build.in --universal --generate-hashes --no-emit-index-url --quiet --no-annotate \
		--custom-compile-command 'make lock' --constraints requirements/dev.txt --python-version 3.11 \
		--output-file requirements/build.txt
	$(UV) pip compile requirements/terraform.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file requirements/terraform.txt
	$(UV) pip compile requirements/audit.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file requirements/audit.txt

docs: $(STAMP) ## write docs/commands.md from the --help of every command, docs/detections.md from the rules
	$(BIN)/python -m mulesoft_audit.cli.reference > docs/commands.md.new
	mv docs/commands.md.new docs/commands.md
	$(BIN)/python -m mulesoft_audit.detect.reference > docs/detections.md.new
	mv docs/detections.md.new docs/detections.md

dist: $(STAMP) ## the sdist and the wheel of what git knows, in dist/
	$(BIN)/python -m tests.packaging.building dist

TAG ?= $(shell git tag --points-at HEAD 'v*')

release-check: ## what the release does before it publishes: built twice, looked at, installed and run; TAG=v1.2.3 to name the tag
	@test -z "$$(git status --porcelain)" || { git status --short; echo "Commit first: a release is what is committed."; exit 1; }
	$(MAKE) dist
	DIST=dist TAG=$(TAG) $(BIN)/python -m pytest -n $(WORKERS) -r s tests/packaging

notes: ## the newest release in the changelog
	@awk '/^## \[/ { releases++ } releases == 1' CHANGELOG.md
