"""`stellarfm sky`: the simulated sky and how much it is like the real one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stellarfm.commands.options import Json
from stellarfm.commands.printing import print_json, print_table, print_text

if TYPE_CHECKING:
    from stellarfm.realism.report import Comparison

_SHOWN_TYPES = 6

sky_app = typer.Typer(no_args_is_help=True, help="The simulated sky: how much it is like the real one.")


@sky_app.callback()
def sky() -> None:
    """Hold the commands of the simulated sky."""


@sky_app.command()
def compare(
    num_stars: Annotated[int, typer.Option("--num-stars", help="Stars to simulate.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Which sky.")] = 7,
    real: Annotated[
        Path | None,
        typer.Option(
            "--real",
            help="Folder with gaia_xp_templates.parquet and gaia_dr3_xp_continuous_field.parquet, to compare with too.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--out", "-o", help="Page to write.")] = Path("sky-comparison.html"),
    as_json: Json = False,
) -> None:
    """Compare the simulated sky with the statistics of the real training set, and say where it falls short.

    Example: stellarfm sky compare --num-stars 20000 -o sky.html
    """
    from stellarfm.errors import StellarError
    from stellarfm.progress import progress_bar
    from stellarfm.realism.report import compare as compare_skies
    from stellarfm.realism.report import write_page

    if not output.parent.is_dir():
        raise StellarError(
            f"the folder {output.parent} of the page does not exist; make it or choose another with --out"
        )
    with progress_bar("simulate", "stars") as progress:
        try:
            comparison = compare_skies(num_stars, seed, real, progress)
        except ValueError as error:
            raise StellarError(str(error)) from error
    write_page(comparison, output)
    if as_json:
        return print_json(comparison.to_dict())
    return _print(comparison, output)


def _print(comparison: "Comparison", output: Path) -> None:
    judged = [check for check in comparison.tokens if check.judged_by != "width" or not check.passed]
    print_table(
        ["token", "median", "real", "difference/MAD", "MAD ratio", ""],
        [
            [
                c.token,
                f"{c.median:.4g}",
                f"{c.reference_median:.4g}",
                f"{c.offset_mad:+.2f}",
                f"{c.mad_ratio:.2f}",
                _verdict(c.passed),
            ]
            for c in judged
        ],
        title=f"{comparison.num_training_stars:,} stars of the training set, seed {comparison.seed}",
    )
    print_text()
    types = [check for check in comparison.checks if check.group == "spectra by type"]
    listed = [check for check in comparison.checks if check not in types[_SHOWN_TYPES:]]
    print_table(
        ["what", "", "simulated", "real or limit", ""],
        [[c.group, c.name, f"{c.value:.4g}", f"{c.reference:.4g}", _verdict(c.passed)] for c in listed],
    )
    if len(types) > _SHOWN_TYPES:
        print_text(f"(the worst {_SHOWN_TYPES} of {len(types)} spectral types; the page has all)")
    high = [check for check in comparison.tokens if check.judged_by == "width"]
    print_text(f"\nhigher orders with the right width: {sum(check.passed for check in high)} of {len(high)}")
    short = comparison.shortfalls
    total = len(comparison.tokens) + len(comparison.checks)
    verdict = f"falls short in {len(short)} of {total}: {', '.join(short)}"
    print_text(verdict if short else f"every figure is inside of its limits ({total})")
    print_text(f"written: {output}", soft_wrap=True)


def _verdict(passed: bool) -> str:
    return "" if passed else "falls short"
