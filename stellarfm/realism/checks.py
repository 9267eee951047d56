"""Simulated against real, figure by figure: what is compared, how far apart the two are, and how far they may be."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.realism.reference import CLUMP_LOGG, DWARF_LOGG, QUANTILES, Reference
from stellarfm.realism.sample import Sample
from stellarfm.statistics import MAD_TO_SIGMA

Floats = NDArray[np.float64]

# How far simulated and real may be apart. The limits are ours; differences are counted in real widths, so that tokens of any
# unit are held to the same.
MAX_OFFSET_MAD = 0.5
TIGHT_RATIO, LOOSE_RATIO = (0.67, 1.5), (0.33, 3.0)  # a factor of 1.5, or of 3, either way
TIGHT_ORDERS = {"bp": 15, "rp": 10}  # from these orders on a coefficient is mostly noise: its width alone is compared
MAX_RELEVANCY_DIFFERENCE = 0.1
MAX_G_DIFFERENCE_MAG = 0.3
MAX_KIEL_DIFFERENCE_DEX = 0.1


@dataclass(frozen=True)
class TokenCheck:
    """One token, simulated against real.

    Attributes
    ----------
    token
        Its name.
    num_stars
        Number of simulated stars that have it.
    median, reference_median, mad, reference_mad
        Simulated and real median and 1.4826 MAD, in the unit of the token.
    offset_mad
        Difference of the medians in units of the real MAD.
    mad_ratio
        Simulated over real MAD.
    judged_by
        What is compared: ``median and width``, or ``width`` alone for high orders, which are mostly noise.
    passed
        Whether it does.
    """

    token: str
    num_stars: int
    median: float
    reference_median: float
    offset_mad: float
    mad: float
    reference_mad: float
    mad_ratio: float
    judged_by: str
    passed: bool


@dataclass(frozen=True)
class Check:
    """Any other figure.

    Attributes
    ----------
    group, name
        What is compared.
    value
        What the simulated sky has, in the unit of what is compared.
    reference
        What the real one has, or what must be reached, in the same unit.
    limit
        In words, what must hold; "" if the figure is only shown.
    passed
        Whether it does.
    """

    group: str
    name: str
    value: float
    reference: float
    limit: str
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return asdict(self)


def check_tokens(sample: Sample, real: Reference) -> list[TokenCheck]:
    """Compare median and MAD of every token.

    Parameters
    ----------
    sample
        Simulated stars.
    real
        Statistics of the real ones, with tokens in the same order.

    Returns
    -------
    list of TokenCheck
        One a token, in the same order.
    """
    return [
        _check_token(name, sample.values[:, place], real.median[place], real.mad[place])
        for place, name in enumerate(sample.names)
    ]


def _check_token(name: str, values: Floats, reference_median: float, reference_mad: float) -> TokenCheck:
    known = values[np.isfinite(values)]
    median = float(np.median(known)) if known.size else float("nan")
    mad = float(MAD_TO_SIGMA * np.median(np.abs(known - median))) if known.size else float("nan")
    offset, ratio = (median - reference_median) / reference_mad, mad / reference_mad
    tight = is_tight(name)
    low, high = TIGHT_RATIO if tight else LOOSE_RATIO
    passed = bool(low <= ratio <= high and (not tight or abs(offset) <= MAX_OFFSET_MAD))
    judged_by = "median and width" if tight else "width"
    return TokenCheck(
        name, int(known.size), median, float(reference_median), float(offset), mad, float(reference_mad), float(ratio),
        judged_by, passed,
    )  # fmt: skip


def is_tight(name: str) -> bool:
    """Whether the median of a token is compared too, given its name: labels, colours and low orders."""
    band, order = name[:2], name[2:]
    return not (band in TIGHT_ORDERS and order.isdigit()) or int(order) < TIGHT_ORDERS[band]


def check_relevancy(sample: Sample, real: Reference) -> list[Check]:
    """Compare the fraction of stars for which an order is relevant, where the two are farthest apart: one check a band."""
    found = []
    for band, curve in real.relevancy.items():
        fraction = relevancy(sample, band)[: len(curve)]
        order = int(np.argmax(np.abs(fraction - curve)))
        passed = bool(abs(fraction[order] - curve[order]) <= MAX_RELEVANCY_DIFFERENCE)
        limit = f"within {MAX_RELEVANCY_DIFFERENCE} at every order"
        found.append(
            Check("relevancy", f"{band}{order} (farthest)", float(fraction[order]), float(curve[order]), limit, passed)
        )
    return found


def relevancy(sample: Sample, band: str) -> Floats:
    """Return the fraction of stars that have each order of a band, ``bp`` or ``rp``, shape (55,)."""
    places = [place for place, name in enumerate(sample.names) if name[:2] == band and name[2:].isdigit()]
    return np.asarray(np.isfinite(sample.values[:, places]).mean(axis=0))


def check_magnitudes(sample: Sample, real: Reference) -> list[Check]:
    """Compare quantiles of G, in mag: one check each of `QUANTILES`."""
    limit = f"within {MAX_G_DIFFERENCE_MAG} mag"
    values, expected = np.quantile(sample.g_mag, QUANTILES), real.g_mag.quantiles(QUANTILES)
    return [
        Check(
            "G",
            f"{fraction:.0%} quantile",
            float(value),
            float(wanted),
            limit,
            bool(abs(value - wanted) <= MAX_G_DIFFERENCE_MAG),
        )
        for fraction, value, wanted in zip(QUANTILES, values, expected, strict=True)
    ]


def check_parallaxes(sample: Sample, real: Reference) -> list[Check]:
    """Show quantiles, in mas, of the parallaxes in the range that the real distribution covers; nothing can fail."""
    # beyond that range nothing is known of the real ones, so it is left out on both sides
    edges = real.parallax.edges
    inside = sample.parallax[(sample.parallax > edges[0]) & (sample.parallax < edges[-1])]
    values, expected = np.quantile(inside, QUANTILES), real.parallax.quantiles(QUANTILES)
    return [
        Check("parallax", f"{fraction:.0%} quantile", float(value), float(wanted), "", True)
        for fraction, value, wanted in zip(QUANTILES, values, expected, strict=True)
    ]


def check_kiel(sample: Sample) -> list[Check]:
    """Compare the log g at which the red clump and the dwarfs are most numerous, in dex."""
    logg = sample.token("logg")
    found = []
    for name, low, high, wanted in (("red clump", 2.0, 3.0, CLUMP_LOGG), ("dwarfs", 4.0, 5.0, DWARF_LOGG)):
        counts, edges = np.histogram(logg[(logg > low) & (logg < high)], bins=np.arange(low, high + 0.01, 0.05))
        # bins of 0.05 dex, averaged over three, so that no single bin's noise makes the peak; 0.025 is half a bin
        smooth = np.convolve(counts, np.ones(3), mode="same")
        peak = float(edges[np.argmax(smooth)] + 0.025)
        passed = abs(peak - wanted) <= MAX_KIEL_DIFFERENCE_DEX
        found.append(
            Check("Kiel diagram", f"log g of the {name}", peak, wanted, f"within {MAX_KIEL_DIFFERENCE_DEX} dex", passed)
        )
    return found
