# Everything runs in .venv, which only `make setup` makes, from the hashed locks in requirements/.

PYTHON ?= python3
MODEL ?= libra_base
TASK ?= pick up the red cube
SEED ?= 7
DURATION ?= 30

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BUNDLE := bundles/$(MODEL)
PIP := -m pip --disable-pip-version-check --quiet

ifeq ($(wildcard /etc/nv_tegra_release),)
LOCK := requirements/laptop.txt
else
# TensorRT's Python module comes with JetPack, and pycuda is built against JetPack's CUDA.
LOCK := requirements/jetson.txt
VENV_OPTIONS := --system-site-packages
export PATH := $(PATH):/usr/local/cuda/bin
endif

# As environment, so that no shell reads what a task says.
export TASK SEED DURATION

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-training export lint bench train soak check-jetson check-tensorrt lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'Variables: MODEL, TASK, SEED, DURATION (seconds) and PYTHON, for example: make run TASK="push the blue cube"'

setup: $(READY) ## make the virtual environment .venv with everything in it

$(READY): $(LOCK) pyproject.toml
	@sh requirements/check_python.sh "$(PYTHON)"
	@echo "Installing the packages of $(LOCK) into $(VENV): about 200 MB to download, a minute or two ..."
	@"$(PYTHON)" -m venv --clear $(VENV_OPTIONS) $(VENV)
	@$(BIN)/python $(PIP) install --no-compile --no-deps --require-hashes --requirement $(LOCK)
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

run: $(BUNDLE)/bundle.json ## drive the simulated arm: does TASK, ends in a summary
	@$(BIN)/libra-edge run --robot koch-sim --model $(BUNDLE) --task "$$TASK" --seed "$$SEED" --duration "$$DURATION"

test: $(BUNDLE)/bundle.json ## run the tests, but not those that need a GPU, an arm or an hour
	@$(BIN)/python -m pytest -m "not gpu and not hardware and not soak and not training"

test-training: ## the tests that need PyTorch, in an environment of their own
	@sh requirements/check_python.sh "$(PYTHON)"
	@$(MAKE) --no-print-directory --directory training test

export: $(READY) ## export models/MODEL to bundles/MODEL
	@$(BIN)/libra-edge export models/$(MODEL) --out $(BUNDLE)

$(BUNDLE)/bundle.json: $(wildcard models/$(MODEL)/*) | $(READY)
	@$(MAKE) --no-print-directory export

lint: $(READY) ## ruff, mypy and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(BUNDLE)/bundle.json ## run every benchmark; each prints one JSON object as its last line
	@set -e; for file in $$(grep -l __main__ benchmarks/*.py); do echo "== $$file"; $(BIN)/python "$$file"; done

soak: $(BUNDLE)/bundle.json ## the long runs
	@$(BIN)/python -m pytest -m soak
	@$(BIN)/python -m benchmarks.soak.realtime_success

train: ## train models/libra_base anew, see training/README.md
	@sh requirements/check_python.sh "$(PYTHON)"
	@$(MAKE) --no-print-directory --directory training

check-jetson: $(READY) ## every dependency has a wheel for the Jetson's Python versions
	@$(BIN)/python requirements/check_jetson.py

check-tensorrt: $(BUNDLE)/bundle.json ## our use of TensorRT against NVIDIA's own parser, builder and bindings, without a GPU
	@$(BIN)/python -m requirements.check_tensorrt

COMPILE := uv pip compile pyproject.toml requirements/build.in --quiet --universal --python-version 3.10 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	$(foreach extra,export sim realsense report view lerobot calibrate dev,--extra $(extra))

lock: ## resolve the locks anew after a change of pyproject.toml (needs uv; UPGRADE=--upgrade takes newer versions)
	$(COMPILE) $(UPGRADE) --output-file requirements/laptop.txt
	$(COMPILE) $(UPGRADE) --extra jetson --constraint requirements/laptop.txt --output-file requirements/jetson.txt

clean: ## remove .venv, bundles and caches; recordings stay
	rm -rf .venv .venv-training .venv-tensorrt bundles build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
