# Two commands do everything on a fresh machine: `make demo` and `make test`.
VENV ?= .venv
RUN := $(VENV)/bin
SOURCES := geo3d:compression:recon:viewer

GOLDEN := $(shell grep -rlE "golden|GOLDEN" tests/compression --include='test_*.py')

.PHONY: demo test test-slow test-portable test-package test-full lint types rules check clean
demo:            ## scan the bundled RGB-D sequence: poses, cloud, mesh, one compressed file, a picture
	@scripts/setup.sh all
	@$(RUN)/geo3d scan samples/box_desk -o out/box_desk
	@echo "look at out/box_desk/snapshot.png"

test:            ## the fast tests (about 15 minutes on 2 cores)
	@scripts/setup.sh dev
	$(RUN)/python -m pytest -n 2 -m "not slow"

test-slow:       ## the tests that take minutes each
	@scripts/setup.sh dev
	$(RUN)/python -m pytest -m slow

test-portable:   ## pinned streams with code compiled for any x86-64 and bounds-checked: same bits, no overrun
	@scripts/setup.sh dev
	NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.cache/portable \
	  $(RUN)/python -m pytest -n 2 -q $(GOLDEN)

test-package:    ## build wheel and sdist, install both in clean environments, use them
	@scripts/setup.sh dev
	VENV=$(VENV) scripts/test_package.sh

test-full:       ## against nerfstudio, PyTorch3D and Ray, in an environment of their own (7 GB)
	@scripts/test_full.sh

lint:
	@scripts/setup.sh dev
	$(RUN)/ruff check . && $(RUN)/ruff format --check .

types:
	@scripts/setup.sh dev
	$(RUN)/mypy

rules:           ## who may import whom
	@scripts/setup.sh dev
	$(RUN)/lint-imports

check: lint types rules test test-portable

clean:
	rm -rf out build dist .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
