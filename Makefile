# Every target works from a fresh clone: what it needs is installed first, once.
#   make decode TEXT="add r0 r1 r2"     make train ARGS="--output models/decode_llm"

VENV := .venv
BIN := $(VENV)/bin
PLAIN := $(VENV)/.plain
READY := $(VENV)/.ready
INSTALLED := $(VENV)/.installed
BENCH := $(VENV)/.bench
DOCS := $(VENV)/.docs
SERVE := $(VENV)/.serve
DATA := data/cpu_decode_train.jsonl
MODERN := import sys; sys.exit(sys.version_info < (3, 11))
# The first Python that is new enough; `make PYTHON=...` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(MODERN)' 2>/dev/null && echo $$p && break; done)
# Taken literally and handed on in the environment: no quote, dollar or hash sign in it acts.
TEXT ?= sub r5 r3 r1
override TEXT := $(value TEXT)
export TEXT
ARGS ?=
# Processes that run tests; each may load a model. Files are not split: what they set up is shared.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: setup decode serve test test-tools check fuzz train evaluate bench tables docs wheel wheel-check clean help

setup: $(READY) ## install into .venv what decoding needs, fetch and convert the base model (once)

decode: $(READY) ## decode TEXT with the real model
	@$(BIN)/kvrm-grammar decode -- "$$TEXT"

serve: $(SERVE) $(READY) ## serve the models over HTTP, and a page (ARGS: options of serve)
	$(BIN)/kvrm-grammar serve $(ARGS)

test: $(INSTALLED) $(READY) ## run the tests
	OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE} \
		$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(INSTALLED) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy kvrm_grammar training benchmarks tests conftest.py docs/hooks

fuzz: $(INSTALLED) $(READY) ## model against parser (ARGS="--hypothesis-profile nightly": 20,000 examples)
	$(BIN)/python -m pytest -m fuzz $(ARGS)

train: $(INSTALLED) $(READY) $(DATA) ## train an adapter into runs/ (ARGS: options of train_decode)
	OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE} $(BIN)/python -m training.train_decode $(ARGS)

evaluate: $(INSTALLED) $(READY) ## evaluate the adapter on fresh instructions
	$(BIN)/python -m training.evaluate $(ARGS)

bench: $(INSTALLED) $(READY) $(BENCH) ## run the benchmarks (some hours; docs/release.md)
	$(BIN)/python -m benchmarks.parts
	$(BIN)/python -m benchmarks.constrained_vs_free $(ARGS)
	$(BIN)/python -m benchmarks.calibration
	$(BIN)/python -m benchmarks.stream
	$(BIN)/python -m benchmarks.lenient
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.backends
	$(BIN)/python -m benchmarks.serve

tables: $(INSTALLED) ## write the figures of README and docs from the recorded results
	$(BIN)/python -m benchmarks.tables $(ARGS)

docs: $(DOCS) ## build the pages of docs into site/
	$(BIN)/mkdocs build --strict

wheel: $(INSTALLED) ## build sdist and wheel into dist/
	$(BIN)/python -m build

# In an environment of its own, with the dependencies of .venv and no source folder in reach.
wheel-check: $(INSTALLED) $(READY) ## build the wheel, install it elsewhere, use and serve it from /
	rm -rf build/wheel-check
	$(BIN)/python -m build --wheel --outdir build/wheel-check
	$(BIN)/python -m venv build/wheel-check/venv
	build/wheel-check/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		build/wheel-check/*.whl
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' \
		> "$$(build/wheel-check/venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/dependencies.pth"
	cd / && run="$(CURDIR)/build/wheel-check/venv/bin/kvrm-grammar" && lamp="$(CURDIR)/build/wheel-check/lamp" && \
		"$$run" parse "sub r5 r3 r1" && "$$run" isa new "$$lamp" && "$$run" isa check "$$lamp" && \
		"$$run" parse --isa "$$lamp" "off hall" && "$$run" --version && \
		echo "on hall" | "$$run" run --reference --isa "$$lamp" - && \
		echo "inc r1" | "$$run" run --reference -
	$(BIN)/python -m tests.serve.installed build/wheel-check/venv/bin/kvrm-grammar

# GNU as judges the set rv32im, a browser shows the server's page, curl runs the lines of its docs; without them
# those tests are skipped.
TOOLS := riscv64-unknown-elf-as:binutils-riscv64-unknown-elf chromium:chromium curl:curl
test-tools: ## install what some tests need from Debian and its kin, as root, where it is lacking
	@for tool in $(TOOLS); do \
		command -v $${tool%%:*} > /dev/null && continue; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $${tool##*:}; } > /dev/null 2>&1 || \
			echo "not installed: $${tool##*:}; the tests that need it are skipped" >&2; \
	done

clean: ## remove caches and build outputs (.venv, data and runs stay)
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(DATA): $(INSTALLED)
	$(BIN)/python -m training.generate_cpu_data --output $@

$(BENCH): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

$(SERVE): $(PLAIN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve]'
	@touch $@

$(DOCS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

$(READY): $(PLAIN)
	$(BIN)/kvrm-grammar setup
	@touch $@

# What decoding needs, without torch.
$(PLAIN): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(MODERN)' || { \
		echo 'Python 3.11 or newer is needed and was not found; name one: make PYTHON=/path/to/python3' >&2; \
		exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@echo 'Installing the versions of constraints.txt into $(VENV)...'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# What tests and training need besides.
$(INSTALLED): $(PLAIN)
	@echo 'Installing torch and the tools of development into $(VENV) (a few minutes)...'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@
