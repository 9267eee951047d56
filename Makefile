# Two commands: `make run` makes a catalogue, `make test` runs the test suite. Each sets itself up in .venv.
# `make docs` builds the documentation in docs/_build/html.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test lint docs clean

run: .venv/ready
	$(BIN)/stellarfm run

test: .venv/ready-dev
	$(BIN)/python -m pytest -n auto

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/ready-dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

.venv/ready: pyproject.toml deployment/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint deployment/constraints.txt --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint deployment/constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist docs/_build docs/_generated
