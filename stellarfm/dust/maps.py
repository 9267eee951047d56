"""Maps of the dust that other packages read, as functions of sight line and distance on the scale of SFD.

The packages are the optional group ``maps`` and their data a download of gigabytes, so each is imported when it is asked for.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from stellarfm.dust.draws import Floats, Reddening
from stellarfm.errors import StellarError


@dataclass(frozen=True)
class DustmapsMap:
    """A map of the package dustmaps.

    Attributes
    ----------
    module, query
        Where its query class is.
    scale
        E(B-V) on the scale of SFD for a unit of the map; `source` says where from.
    source
        Origin of the scale.
    options, asked
        Arguments of the class, and of each query.
    file
        Its data, below the folder of the package's data, where they are one file.
    remedy
        What to do without them, where the package's own download does not work.
    """

    module: str
    query: str
    scale: float
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    remedy: str = ""


DUSTMAPS = {
    "bayestar": DustmapsMap(
        "dustmaps.bayestar",
        "BayestarQuery",
        1.0,
        "0.884 of the unit of Bayestar19 is E(B-V) (argonaut.skymaps.info/usage), as 0.884 of E(B-V) of SFD is",
        {"max_samples": 0, "version": "bayestar2019"},
        {"mode": "best"},
        "bayestar/bayestar2019.h5",
        "`dustmaps.bayestar.fetch()` brings nothing since August 2026, and no error: Dataverse answers it with a challenge for "
        "browsers. Get bayestar2019.h5 with a browser (doi:10.7910/DVN/2EJ9TX) and put it there; or use mwdust:Combined19, a "
        "table (extinction.table), or no map, where the model learns no reddening",
    ),
    "marshall": DustmapsMap(
        "dustmaps.marshall",
        "MarshallQuery",
        1 / 0.310,
        "A(2MASS Ks) = 0.310 E(B-V) of SFD at R_V = 3.1: Schlafly & Finkbeiner (2011), table 6",
    ),
    "sfd": DustmapsMap("dustmaps.sfd", "SFDQuery", 1.0, "the scale itself: all the dust of the sight line"),
}
"""Maps of the package dustmaps by name."""


@dataclass(frozen=True)
class MwdustMap:
    """A map of the package mwdust that is linear in the distance modulus between nodes.

    Attributes
    ----------
    file
        Its data, below the folder of the package's data.
    nodes
        Distance moduli in mag, evenly spaced; beyond them the outermost lines go on.
    scale
        E(B-V) on the scale of SFD for a unit of the map; `source` says where from.
    source
        Origin of the scale.
    """

    file: str
    nodes: Floats
    scale: float
    source: str


MWDUST = {
    "Combined19": MwdustMap(
        "combined19/combine19.h5",
        # steps of 0.125 mag, 63 pc to 60 kpc
        np.linspace(4, 18.875, 120),
        1.0,
        "without a filter mwdust gives E(B-V) of SFD, as Leung & Bovy (2024) used it (Bovy et al. 2016, section 2)",
    )
}
"""Maps of the package mwdust by name."""

MAP_NAMES = (*(f"dustmaps:{name}" for name in DUSTMAPS), *(f"mwdust:{name}" for name in MWDUST))


def open_map(name: str) -> Reddening:
    """Return a map as a function of l, b (degrees) and distance (kpc).

    Parameters
    ----------
    name
        One of `MAP_NAMES`.

    Raises
    ------
    StellarError
        If there is no such map, or its package or its data are not installed.
    """
    if name not in MAP_NAMES:
        raise StellarError(f"there is no dust map {name!r}; known are {', '.join(MAP_NAMES)}")
    package, _, kind = name.partition(":")
    return _open_dustmaps(kind) if package == "dustmaps" else _open_mwdust(kind)


def find_map(name: str) -> None:
    """Look whether a map's package and data are here, without opening it.

    Raises
    ------
    StellarError
        As `open_map`.
    """
    package, _, kind = name.partition(":")
    if name not in MAP_NAMES or package == "mwdust" or not DUSTMAPS[kind].file:
        open_map(name)
        return
    known = DUSTMAPS[kind]
    # bayestar2019.h5 has 3 GB, which to open takes minutes
    file = Path(_import(name, "dustmaps.std_paths").data_dir()) / known.file
    if not file.is_file():
        raise StellarError(f"the dust map {name} cannot be opened (there is no {file}): {known.remedy}")


def _open_dustmaps(kind: str) -> Reddening:
    known = DUSTMAPS[kind]
    fetch = f"fetch them with `import {known.module}; {known.module}.fetch()`"
    data = f"its data are missing: {known.remedy or fetch}"
    query = _open(f"dustmaps:{kind}", known.module, known.query, known.options, data)
    return from_dustmaps(query, known.scale, known.asked)


def _open_mwdust(kind: str) -> Reddening:
    known = MWDUST[kind]
    _import(f"mwdust:{kind}", "mwdust")
    file = Path(os.environ.get("DUST_DIR") or "~/.mwdust").expanduser() / known.file
    hint = f"its data are missing: fetch them with `import mwdust; mwdust.{kind}.download()`"
    if not file.is_file():  # mwdust itself would begin to download gigabytes here
        raise StellarError(f"the dust map mwdust:{kind} cannot be opened (there is no {file}); {hint}")
    return from_mwdust(_open(f"mwdust:{kind}", "mwdust", kind, {}, hint), known.nodes, known.scale)


def _open(name: str, module: str, kind: str, options: Mapping[str, Any], hint: str) -> Any:
    """Import a package and open one of its maps."""
    found = _import(name, module)
    try:
        with redirect_stdout(sys.stderr):  # dustmaps says there at length what is missing
            return getattr(found, kind)(**options)
    except (OSError, KeyError) as error:  # h5py says OSError, mwdust may look for an environment variable
        first = (str(error).splitlines() or [""])[0]
        raise StellarError(f"the dust map {name} cannot be opened ({first}); {hint}") from error


def _import(name: str, module: str) -> Any:
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise StellarError(
            f"the dust map {name} needs the package {package} ({error}); install it with `pip install 'stellarfm[maps]'`"
        ) from error


def from_dustmaps(query: Any, scale: float = 1.0, asked: Mapping[str, Any] | None = None) -> Reddening:
    """Return any query object of dustmaps as a function.

    Parameters
    ----------
    query
        Called with a ``SkyCoord`` that has distances.
    scale
        E(B-V) on the scale of SFD for a unit of the map.
    asked
        More arguments of each call, e.g. ``mode``: dustmaps' own default of Bayestar is a random sample.

    Returns
    -------
    callable
        E(B-V) in mag of l, b (degrees) and distance (kpc), see `stellarfm.dust.draws.Reddening`.
    """

    def reddening(l_deg: Floats, b_deg: Floats, distance_kpc: Floats) -> Floats:
        from astropy import units
        from astropy.coordinates import SkyCoord

        shape = np.broadcast_shapes(np.shape(l_deg), np.shape(b_deg), np.shape(distance_kpc))
        l_all, b_all, distance = (np.broadcast_to(v, shape).reshape(-1) for v in (l_deg, b_deg, distance_kpc))
        known = np.isfinite(distance)
        found = np.full(distance.shape, np.nan)
        if known.any():
            place = SkyCoord(
                l=l_all[known] * units.deg,
                b=b_all[known] * units.deg,
                distance=distance[known] * units.kpc,
                frame="galactic",
            )
            found[known] = scale * np.asarray(query(place, **(asked or {})), dtype=np.float64)
        return found.reshape(shape)

    return reddening


def from_mwdust(dust: Any, nodes: Floats, scale: float = 1.0) -> Reddening:
    """Return a map of mwdust as a function.

    mwdust takes one sight line, and some 10 microseconds a distance: it is asked at its own nodes, and the lines between
    them are drawn here, which for a map that is made of such lines is the same.

    Parameters
    ----------
    dust
        Called with l, b (degrees) and an array of distances (kpc); NaN or an IndexError is outside of the map.
    nodes
        Distance moduli in mag, shape (K,), evenly spaced, between which the map is linear.
    scale
        E(B-V) on the scale of SFD for a unit of the map.

    Returns
    -------
    callable
        E(B-V) in mag of l, b (degrees) and distance (kpc), see `stellarfm.dust.draws.Reddening`.
    """
    # distance modulus mu = 5 log10(d / 10 pc), so that d = 10^(mu / 5 - 2) kpc
    nodes_kpc, step = 10 ** (nodes / 5 - 2), nodes[1] - nodes[0]

    def profile(l_one: float, b_one: float) -> Floats:
        try:
            return scale * np.asarray(dust(l_one, b_one, nodes_kpc), dtype=np.float64)
        # mwdust finds no pixel for this sight line: outside of the map
        except IndexError:
            return np.full(len(nodes), np.nan)

    def reddening(l_deg: Floats, b_deg: Floats, distance_kpc: Floats) -> Floats:
        l_all, b_all = np.broadcast_arrays(np.ravel(l_deg), np.ravel(b_deg))
        at_nodes = np.stack(
            [profile(l_one, b_one) for l_one, b_one in zip(l_all.tolist(), b_all.tolist(), strict=True)]
        )
        place = (5 * np.log10(distance_kpc) + 10 - nodes[0]) / step
        # the segment below each distance, clipped so that the outermost lines go on, as the published tokens were made;
        # NaN needs some segment, and is NaN again by `place` two lines below
        low = np.clip(np.nan_to_num(np.floor(place)), 0, len(nodes) - 2).astype(np.intp)
        below, above = (np.take_along_axis(at_nodes, low + k, axis=1) for k in (0, 1))
        return np.asarray(below + (place - low) * (above - below))

    return reddening
