"""Maps of the dust that other packages read, as functions of sight line and distance on the scale of SFD.

The packages are the optional group ``maps`` and their data a download of gigabytes, so each is imported when it is asked for.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from stellarfm.archives.extinction import Floats, Reddening
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
    """

    module: str
    query: str
    scale: float
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)


DUSTMAPS = {
    "bayestar": DustmapsMap(
        "dustmaps.bayestar",
        "BayestarQuery",
        1.0,
        "0.884 of the unit of Bayestar19 is E(B-V) (argonaut.skymaps.info/usage), as 0.884 of E(B-V) of SFD is",
        {"max_samples": 0, "version": "bayestar2019"},
        {"mode": "best"},
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

MWDUST = {"Combined19": 1.0}
"""Maps of the package mwdust, and their scale: without a filter they give E(B-V) of SFD (Bovy et al. 2016)."""

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


def _open_dustmaps(kind: str) -> Reddening:
    known = DUSTMAPS[kind]
    data = f"its data are missing: fetch them with `import {known.module}; {known.module}.fetch()`"
    query = _open(f"dustmaps:{kind}", known.module, known.query, known.options, data)
    return from_dustmaps(query, known.scale, known.asked)


def _open_mwdust(kind: str) -> Reddening:
    hint = f"its data are missing: fetch them with `import mwdust; mwdust.{kind}.download()`"
    if not os.environ.get("DUST_DIR"):
        hint += " into the folder that the environment variable DUST_DIR names"
    return from_mwdust(_open(f"mwdust:{kind}", "mwdust", kind, {}, hint), MWDUST[kind])


def _open(name: str, module: str, kind: str, options: Mapping[str, Any], hint: str) -> Any:
    """Import a package and open one of its maps."""
    package = module.partition(".")[0]
    try:
        found = import_module(module)
    except ImportError as error:
        raise StellarError(
            f"the dust map {name} needs the package {package} ({error}); install it with `pip install 'stellarfm[maps]'`"
        ) from error
    try:
        return getattr(found, kind)(**options)
    except (OSError, KeyError) as error:  # h5py says OSError, mwdust may look for an environment variable
        first = (str(error).splitlines() or [""])[0]
        raise StellarError(f"the dust map {name} cannot be opened ({first}); {hint}") from error


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


def from_mwdust(dust: Any, scale: float = 1.0) -> Reddening:
    """Return a map of mwdust as a function; it takes one sight line at a time, with all its distances.

    Parameters
    ----------
    dust
        Called with l, b (degrees) and an array of distances (kpc); a sight line outside of it is an IndexError.
    scale
        E(B-V) on the scale of SFD for a unit of the map.
    """

    def reddening(l_deg: Floats, b_deg: Floats, distance_kpc: Floats) -> Floats:
        distance = np.atleast_2d(distance_kpc)
        sights = np.broadcast_to(np.hstack([np.reshape(l_deg, (-1, 1)), np.reshape(b_deg, (-1, 1))]), (len(distance), 2))
        found = np.full(distance.shape, np.nan)
        for row, (l_one, b_one) in enumerate(sights.tolist()):
            known = np.isfinite(distance[row])
            if known.any():
                try:
                    found[row, known] = scale * np.asarray(dust(l_one, b_one, distance[row, known]))
                except IndexError:
                    continue  # no pixel of the map holds this sight line
        return found.reshape(np.shape(distance_kpc))

    return reddening
