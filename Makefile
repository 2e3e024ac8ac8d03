# Set-up, run, test: `make run` and `make test` do everything on a bare Debian or Ubuntu machine.
PY        ?= python3
EXTRAS    ?= room,dev
VENV      := .venv
BIN       := $(VENV)/bin
comma     := ,
STAMP     := $(VENV)/.stamp-$(subst $(comma),-,$(EXTRAS))
# The lock names a hash for every file: uv refuses any other. INSTALLER=pip works too, three times slower and by versions alone,
# because pip takes no hashes beside a project that has none.
INSTALLER ?= uv
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install run test lint types build lock vectors pages examples bench clean check-machine
install: $(STAMP)

# ARGS replaces the example: make run ARGS='analyze my-draws.csv --column value'
ARGS ?= analyze examples/java_nextint_gaps.csv
run: $(STAMP)
	@$(BIN)/mimicry $(ARGS); code=$$?; \
	echo; echo "Open the console with:  $(BIN)/mimicry        (demo data: $(BIN)/mimicry demo)"; exit $$code

test: $(STAMP)
	$(BIN)/pytest -n auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

# Rebuild the extension after a change of C++ without reinstalling.
build: $(STAMP)
	@for d in build/cp*; do $(BIN)/cmake --build $$d && \
	  $(BIN)/cmake --install $$d --prefix $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') >/dev/null; done

ifeq ($(INSTALLER),uv)
BOOT := uv
# Wheels of your own (PIP_FIND_LINKS) have hashes of their own.
INSTALL := $(BIN)/uv pip install --python $(BIN)/python -q --compile-bytecode $(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS) --no-verify-hashes)
PINS := requirements.lock
else
BOOT :=
INSTALL := $(BIN)/pip install -q
PINS := $(VENV)/pins.txt
endif

# What cannot be installed by pip is named before anything is written.
check-machine:
	@command -v $(PY) >/dev/null || { echo "mimicry: python3 is missing. Fix: apt-get install python3 python3-venv"; exit 5; }
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mimicry: Python 3.11 or newer is needed, $$($(PY) -V) found. Fix: install one and run make PY=python3.11"; exit 5; }
	@$(PY) -c 'import venv, ensurepip' 2>/dev/null || { echo "mimicry: the venv module is missing. Fix: apt-get install python3-venv"; exit 5; }
	@$(PY) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || { echo "mimicry: Python.h is missing. Fix: apt-get install python3-dev"; exit 5; }
	@command -v $${CXX:-c++} >/dev/null || { echo "mimicry: a C++ compiler is missing. Fix: apt-get install g++"; exit 5; }

$(STAMP): pyproject.toml requirements.lock CMakeLists.txt | check-machine
	@test -x $(BIN)/python || $(PY) -m venv $(VENV)
	@echo "mimicry: installing into $(VENV) and building the kernels (some minutes) …"
	@sed -e 's/ *\\$$//' -e '/--hash=/d' requirements.lock > $(VENV)/pins.txt
	@$(if $(BOOT),awk '/^$(BOOT)==/{on=1} on{print} on&&!/\\$$/{exit}' requirements.lock > $(VENV)/boot.txt)
	@$(if $(BOOT),$(BIN)/pip install -q $(if $(PIP_FIND_LINKS),-c $(VENV)/pins.txt $(BOOT),--require-hashes -r $(VENV)/boot.txt))
	@$(INSTALL) -c $(PINS) scikit-build-core nanobind cmake ninja
	@$(INSTALL) -c $(PINS) --no-build-isolation -e '.[$(EXTRAS)]'
	@touch $@

lock:
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras \
	  --no-header --no-annotate --generate-hashes -o requirements.lock $(LOCKFLAGS)

# Regenerate a family's vectors with its independent oracle: make vectors FAMILY=lcg48/java
FAMILY ?= all
vectors: $(STAMP)
	$(BIN)/python tests/vectors/make/make.py $(FAMILY)

# Write the parts of the documents that the program itself knows.
pages: $(STAMP)
	$(BIN)/python -m hip_cuda_kernels.page > docs/generators.md
	$(BIN)/python -m engine.observe.metrics > docs/metrics.md
	$(BIN)/python tests/readme.py

examples: $(STAMP)
	$(BIN)/python examples/make/make.py --check

bench: $(STAMP)
	$(BIN)/python benchmarks/sieve.py
	$(BIN)/python benchmarks/routes.py
	$(BIN)/python benchmarks/peer.py $(if $(PHP_MT_SEED),--php-mt-seed $(PHP_MT_SEED))
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/daemon.py
	$(BIN)/python benchmarks/console.py

clean:
	rm -rf $(VENV) build dist
