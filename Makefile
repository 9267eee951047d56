# Two commands: `make run` makes a catalogue, `make test` runs the test suite. Each sets itself up in .venv.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test lint clean

run: .venv/ready
	$(BIN)/stellarfm run

test: .venv/ready-dev
	$(BIN)/python -m pytest

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/ready: pyproject.toml deployment/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint deployment/constraints.txt --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint deployment/constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist
