# The two commands that set everything up: `make demo` and `make test`.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
BIN := .venv/bin

.PHONY: demo vqa-demo test test-demo test-slurm lint docs install clean

demo: install
	$(BIN)/snakemake --cores $(CORES)
	$(BIN)/snakemake --cores 1 --report report.html
	@echo "Done: open report.html; tables are in results/demo/"

# Questions about painted slides, answered by language models made from nothing.
vqa-demo: install
	$(BIN)/python -m slidesieve.vqa.demo_cohort results/vqa_demo --workers $(CORES)
	$(BIN)/slidesieve run config/vqa_demo.yaml --cores $(CORES) vqa
	@echo "Done: tables are in results/painted/vqa/"

test: install lint
	$(BIN)/python -m pytest -n $(CORES) --dist worksteal tests --ignore tests/slurm

# The demo, killed at random moments: too long for every landing.
test-demo: install
	$(BIN)/python -m pytest -m demo tests

# A real Slurm on this machine; says why where that is impossible. Tests mostly wait: all at once.
test-slurm: install
	tests/slurm/packages.sh
	$(BIN)/python -m pytest -n 6 tests/slurm

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/snakemake --lint

# These pages as HTML in site/; broken links are errors. NO_MKDOCS_2_WARNING: an advertisement less.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

install: .venv/installed .venv/viewer

# pip takes the CPU build of torch where an index offers one; torchvision must fit it.
.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

# OpenSeadragon, for `slidesieve view`; all else works without.
.venv/viewer: .venv/installed src/slidesieve/viewer/library.py
	$(BIN)/slidesieve view --install && touch $@ || echo "slidesieve view will not work, see above"

clean:
	rm -rf .venv .snakemake report.html
