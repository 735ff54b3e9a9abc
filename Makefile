# make demo    build and translate a few sentences with the embedded models
# make test    build and run the tests            make slow    the long ones too
# make check   ruff, mypy --strict, clang-format, native stubs
# make docs    the documentation site, into build/site
# make format  rewrite the code in our style

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src native -type f -not -name '*.pyc' -not -path '*/__pycache__/*' 2>/dev/null) \
           pyproject.toml CMakeLists.txt

.PHONY: demo test slow check docs format install clean

demo: $(VENV)/.installed
	@echo "dragoman: four sentences with the models that come along"
	@for text in "How are you today?" "I would like a cup of coffee, please." "The train leaves at eight o'clock."; do \
	  echo "en  $$text"; \
	  echo "de  $$($(BIN)/dragoman translate --from en --to de "$$text")"; \
	  echo "fr  $$($(BIN)/dragoman translate --from en --to fr "$$text")"; \
	done
	@echo "de  Wo ist der Bahnhof?"
	@echo "fr  $$($(BIN)/dragoman translate --from de --to fr "Wo ist der Bahnhof?")"

test: $(VENV)/.test
	$(BIN)/python -m pytest

slow: $(VENV)/.test
	$(BIN)/python -m pytest -m "slow or not slow"

check: $(VENV)/.dev
	$(BIN)/ruff check src tests demo benchmarks
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files 'native/*.cc' 'native/*.h')
	$(BIN)/python tools/check_stub.py
	$(BIN)/python tools/man_page.py --check

docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[docs]"
	$(BIN)/python -m mkdocs build --strict --site-dir build/site

format: $(VENV)/.dev
	$(BIN)/ruff check --fix src tests demo benchmarks
	$(BIN)/clang-format -i $$(git ls-files 'native/*.cc' 'native/*.h')

install: $(VENV)/.installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# An editable install: Python changes take effect at once, native ones when this runs again.
$(VENV)/.installed: $(BIN)/python $(SOURCES)
	@echo "dragoman: fetching build tools into $(VENV), about half a minute"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "scikit-build-core>=0.10" "nanobind>=2.4" cmake ninja
	@echo "dragoman: compiling the kernels for every kind of processor, one to five minutes on two cores; later builds are short"
	@bash -o pipefail -c '$(BIN)/python -m pip install --verbose --disable-pip-version-check --no-build-isolation --editable . 2>&1 \
	  | tee $(VENV)/build.log | awk "/^ *\\[[0-9]+\\/[0-9]+\\]/ { print \"  \" \$$1; fflush() }"' || { tail -30 $(VENV)/build.log; exit 1; }
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[test]"
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[test,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist
