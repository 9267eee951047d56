"""The figures of a report: what a reader sees before any number."""

from pathlib import Path
from typing import Any

import numpy as np

from stellarfm.evaluation.metrics import Floats, coverage
from stellarfm.statistics import MAD_TO_SIGMA
from stellarfm.tokens import describe
from stellarfm.vocabulary import Vocabulary

_INK, _GREY = "#1d2433", "#9aa3b2"


def _pyplot() -> Any:
    """Return matplotlib's pyplot set up for files, without a screen."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcdefaults()  # GaiaXPy asks for LaTeX in every figure when it is imported
    plt.rcParams.update(
        {
            "font.size": 9,
            "axes.edgecolor": _INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 130,
        }
    )
    return plt


def draw_agreement(
    path: Path, vocabulary: Vocabulary, names: tuple[str, ...], truth: Floats, predicted: Floats
) -> None:
    """Draw predictions against the truth, one panel a token, with the residuals below.

    Parameters
    ----------
    path
        PNG file to write.
    vocabulary
        Gives the units.
    names
        K tokens.
    truth, predicted
        Shape (N, K), in the units of the tokens; NaN where unknown.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(
        2, len(names), figsize=(3.2 * len(names), 4.6), height_ratios=(3, 1.2), squeeze=False, sharex="col"
    )
    for k, name in enumerate(names):
        known = np.isfinite(truth[:, k]) & np.isfinite(predicted[:, k])
        x, y = truth[known, k], predicted[known, k]
        if x.size == 0:
            continue
        low, high = np.percentile(x, [0.2, 99.8])  # a few outliers would squeeze all others into a corner
        top, bottom = axes[0, k], axes[1, k]
        top.hexbin(x, y, gridsize=70, extent=(low, high, low, high), bins="log", cmap="Blues", mincnt=1, linewidths=0)
        top.plot([low, high], [low, high], color=_INK, lw=0.8)
        top.set_ylabel(f"predicted {describe(vocabulary.tokens[vocabulary.index(name)])}")
        # four sigma, measured robustly; a perfect prediction has none, and an axis needs some
        spread = 4 * float(np.median(np.abs(y - x))) * MAD_TO_SIGMA or 1.0
        bottom.hexbin(
            x,
            y - x,
            gridsize=(70, 20),
            extent=(low, high, -spread, spread),
            bins="log",
            cmap="Blues",
            mincnt=1,
            linewidths=0,
        )
        bottom.axhline(0, color=_INK, lw=0.8)
        bottom.set_ylim(-spread, spread)
        bottom.set_ylabel("difference")
        bottom.set_xlabel(f"true {describe(vocabulary.tokens[vocabulary.index(name)])}")
    figure.align_ylabels(axes)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_kiel(path: Path, true: Floats, predicted: Floats) -> None:
    """Draw log g against Teff coloured by [M/H], as it is and as it is predicted.

    Parameters
    ----------
    path
        PNG file to write.
    true, predicted
        Shape (N, 3): Teff in K, log g in dex, [M/H] in dex.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.8), sharex=True, sharey=True)
    drawn = None
    for axis, stars, title in ((axes[0], true, "true"), (axes[1], predicted, "predicted")):
        drawn = axis.scatter(stars[:, 0], stars[:, 1], c=stars[:, 2], s=2, vmin=-1.5, vmax=0.5, cmap="viridis", lw=0)
        axis.set_title(title)
        axis.set_xlabel("Teff [K]")
    # both axes fall, as in every Kiel diagram: hot stars to the left, giants at the top
    axes[0].set_xlim(7500, 3000)
    axes[0].set_ylim(5.2, -0.3)
    axes[0].set_ylabel("log g [dex]")
    figure.colorbar(drawn, ax=axes, label="[M/H] [dex]", pad=0.02)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)


def draw_calibration(path: Path, names: tuple[str, ...], below: Floats) -> None:
    """Draw the fraction of truths inside an interval against the fraction that the interval promises.

    Parameters
    ----------
    path
        PNG file to write.
    names
        K tokens.
    below
        Shape (N, K): probability of each predicted distribution below the truth, 0 to 1.
    """
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(3.8, 3.8))
    promised = np.linspace(0.02, 0.98, 49)
    for k, name in enumerate(names):
        axis.plot(promised, [coverage(below[:, k], fraction) for fraction in promised], label=name, lw=1.4)
    axis.plot([0, 1], [0, 1], color=_GREY, lw=0.8, zorder=0)
    axis.set_xlabel("share promised")
    axis.set_ylabel("share of stars inside")
    axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
