"""Figures of simulated against real, each as the bytes of a PNG file."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stellarfm.realism.checks import LOOSE_RATIO, MAX_OFFSET_MAD, TIGHT_RATIO, TokenCheck, relevancy
from stellarfm.realism.reference import Reference
from stellarfm.realism.sample import Sample
from stellarfm.realism.spectra import Components, TypeSpectra
from stellarfm.sky.xp import instrument

Floats = NDArray[np.float64]

_INK, _REAL, _SIMULATED, _BAND, _BAD = "#1d2433", "#9aa3b2", "#2563a8", "#e4e9f2", "#c2410c"
_SHOWN_TYPES = ("A0", "A5", "F0", "F5", "G2", "K0", "K4", "K7", "M0", "M2", "M4", "M5")


@contextmanager
def _figure(rows: int, columns: int, size: tuple[float, float]) -> Iterator[tuple[Any, Any, io.BytesIO]]:
    """Give a figure, its axes and the file that it is saved to at the end; no screen and no LaTeX is needed."""
    # not through pyplot, whose figures and settings belong to the whole process
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {"font.size": 8.5, "axes.edgecolor": _INK, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context({"text.usetex": False, "font.family": "sans-serif", **style}):
        figure = Figure(figsize=size, layout="constrained", dpi=120)
        FigureCanvasAgg(figure)
        file = io.BytesIO()
        yield figure, figure.subplots(rows, columns, squeeze=False), file
        figure.savefig(file, format="png")


def draw_tokens(checks: Sequence[TokenCheck]) -> bytes:
    """Draw the offset of every token's median, in real MADs, and the ratio of its width."""
    place = np.arange(len(checks))
    colours = [_SIMULATED if check.passed else _BAD for check in checks]
    with _figure(2, 1, (9.0, 4.6)) as (_, axes, file):
        top, bottom = axes[:, 0]
        tight = np.array([check.judged_by != "width" for check in checks])
        _shade(top, place, np.where(tight, MAX_OFFSET_MAD, np.nan), np.where(tight, -MAX_OFFSET_MAD, np.nan))
        top.scatter(place, [check.offset_mad for check in checks], c=colours, s=9, zorder=3)
        top.set_ylim(-1.6, 1.6)
        top.set_ylabel("difference of medians\n[real MAD]")
        _shade(
            bottom,
            place,
            np.where(tight, TIGHT_RATIO[1], LOOSE_RATIO[1]),
            np.where(tight, TIGHT_RATIO[0], LOOSE_RATIO[0]),
        )
        bottom.scatter(place, [check.mad_ratio for check in checks], c=colours, s=9, zorder=3)
        bottom.set_yscale("log")
        bottom.set_ylabel("MAD, simulated / real")
        for axis in (top, bottom):
            axis.axhline(0 if axis is top else 1, color=_INK, lw=0.6)
            shown = [
                k for k, check in enumerate(checks) if check.token[2:] in ("0", "20", "40") or k >= len(checks) - 8
            ]
            axis.set_xticks(shown, [checks[k].token for k in shown], rotation=60, ha="right", fontsize=7)
    return file.getvalue()


def _shade(axis: Any, place: NDArray[np.intp], high: Floats, low: Floats) -> None:
    axis.bar(place, high - low, bottom=low, width=1.0, color=_BAND, zorder=0)


def draw_relevancy(sample: Sample, real: Reference) -> bytes:
    """Draw the fraction of stars for which each order is relevant."""
    with _figure(1, 2, (7.6, 2.9)) as (_, axes, file):
        for axis, band in zip(axes[0], ("bp", "rp"), strict=True):
            curve = real.relevancy[band]  # (53,): the real statistics end where no star has more relevant bases
            order = np.arange(len(curve))
            axis.fill_between(order, curve - 0.1, curve + 0.1, color=_BAND, lw=0)
            axis.plot(order, curve, color=_REAL, lw=2, label="real")
            axis.plot(order, relevancy(sample, band)[: len(curve)], color=_SIMULATED, lw=1.4, label="simulated")
            axis.set_xlabel(f"order, {band.upper()}")
            axis.set_ylim(0, 1.02)
        axes[0, 0].set_ylabel("share of stars")
        axes[0, 1].legend(frameon=False)
    return file.getvalue()


def draw_distributions(sample: Sample, real: Reference) -> bytes:
    """Draw the distributions of G in mag and of parallax in mas, as densities."""
    with _figure(1, 2, (7.6, 2.9)) as (_, axes, file):
        pairs = ((sample.g_mag, real.g_mag, "G [mag]"), (sample.parallax, real.parallax, "parallax [mas]"))
        for axis, (values, density, label) in zip(axes[0], pairs, strict=True):
            edges = density.edges
            # both are densities over the same range: stars outside of it count in neither
            inside = values[(values > edges[0]) & (values < edges[-1])]
            found, _ = np.histogram(inside, bins=edges, density=True)
            scale = density.density / (density.density.sum() * (edges[1] - edges[0]))
            axis.fill_between(density.centers, scale, step="mid", color=_REAL, alpha=0.5, lw=0, label="real")
            axis.step(density.centers, found, where="mid", color=_SIMULATED, lw=1.2, label="simulated")
            axis.set_xlabel(label)
        axes[0, 0].legend(frameon=False)
    return file.getvalue()


def draw_kiel(sample: Sample) -> bytes:
    """Draw log g in dex against Teff in K, by number and by metallicity, with the marks of the real diagram."""
    teff, logg, m_h = (sample.token(name) for name in ("teff", "logg", "m_h"))
    with _figure(1, 2, (7.8, 3.6)) as (figure, axes, file):
        left, right = axes[0]
        known = np.isfinite(teff) & np.isfinite(logg)
        left.hexbin(teff[known], logg[known], gridsize=80, bins="log", cmap="Blues", mincnt=1, linewidths=0)
        drawn = right.scatter(teff, logg, c=m_h, s=1.2, lw=0, vmin=-1.2, vmax=0.4, cmap="viridis")
        figure.colorbar(drawn, ax=right, label="[M/H] [dex]")
        for axis in (left, right):  # both scales fall, as in every Kiel diagram
            axis.set_xlim(7600, 3000)
            axis.set_ylim(5.2, -0.4)
            axis.set_xlabel("Teff [K]")
        for mark in (2.45, 4.55):  # red clump and dwarfs, as in `stellarfm.realism.reference`
            left.axhline(mark, color=_BAD, lw=0.6, ls=":")
        left.set_ylabel("log g [dex]; dotted: where real stars crowd")
    return file.getvalue()


def draw_types(compared: TypeSpectra) -> bytes:
    """Draw simulated dwarfs over the mean real spectra by type, as relative flux per nm."""
    wavelengths = instrument().wavelengths_nm
    shown = [k for k, name in enumerate(compared.types) if name in _SHOWN_TYPES]
    with _figure(3, 4, (9.0, 5.6)) as (_, axes, file):
        for axis, k in zip(axes.ravel(), shown, strict=False):
            axis.plot(wavelengths, compared.real[k], color=_REAL, lw=2)
            axis.plot(wavelengths, compared.simulated[k], color=_SIMULATED, lw=0.9)
            axis.set_title(f"{compared.types[k]}V, rms {compared.rms[k]:.1%}", fontsize=8)
            axis.set_yticks([])
        for axis in axes[-1]:
            axis.set_xlabel("wavelength [nm]")
    return file.getvalue()


def draw_components(components: Components) -> bytes:
    """Draw what the components leave unexplained, and real stars among simulated ones on the first three."""
    with _figure(1, 3, (9.0, 3.0)) as (_, axes, file):
        left, centre, right = axes[0]
        number = np.arange(1, len(components.explained) + 1)
        left.plot(number, 1 - components.explained, color=_BAD, lw=1.4, label="real")
        left.plot(number, 1 - components.explained_simulated, color=_SIMULATED, lw=1.4, label="simulated")
        left.axhline(0.03, color=_INK, lw=0.6, ls=":")  # what MIN_EXPLAINED leaves over
        left.set_yscale("log")
        left.set_xlabel("components")
        left.set_ylabel("share of variance left over")
        left.legend(frameon=False)
        for axis, other in ((centre, 1), (right, 2)):
            for points, colour, label in (
                (components.simulated, _SIMULATED, "simulated"),
                (components.real, _BAD, "real"),
            ):
                axis.scatter(points[:, 0], points[:, other], s=1.5, lw=0, color=colour, alpha=0.5, label=label)
            # limits from the simulated stars: a real one far outside must not hide how the rest agree
            limits = [np.percentile(components.simulated[:, k], [0.2, 99.8]) * 1.3 for k in (0, other)]
            axis.set_xlim(*limits[0])
            axis.set_ylim(*limits[1])
            axis.set_xlabel("component 1")
            axis.set_ylabel(f"component {other + 1}")
        right.legend(frameon=False, markerscale=4)
    return file.getvalue()


CAPTIONS: Mapping[str, str] = {
    "tokens": "Median and width of every token, simulated against real; shaded: what is asked for; orange: outside.",
    "relevancy": "Share of stars for which an order of the spectrum is relevant; shaded: what is asked for.",
    "distributions": "Distributions of G and of parallax (of those between -0.2 and 1 mas).",
    "kiel": "Kiel diagram of the simulated stars with good labels.",
    "types": "Spectra of dwarfs by type: simulated (blue) over the mean of real ones (grey).",
    "components": "Real field stars on the principal components of the simulated coefficients.",
}
