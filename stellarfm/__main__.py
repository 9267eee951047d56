"""`python -m stellarfm`: the command line."""

from stellarfm.cli import run_process

if __name__ == "__main__":
    run_process()
