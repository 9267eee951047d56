"""The tables that a landing holds: columns as their archives name them, in DuckDB's types, and which must be known."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from stellarfm.database import open_database


@dataclass(frozen=True)
class TableSchema:
    """Columns of one table of the landing.

    Attributes
    ----------
    columns
        Name and DuckDB type of each.
    needed
        Those without which the table has no use; the others may be NULL throughout.
    """

    columns: Mapping[str, str]
    needed: frozenset[str]

    def empty(self) -> pa.Table:
        """Return the table without rows."""
        selects = ", ".join(f'null::{kind} as "{name}"' for name, kind in self.columns.items())
        with open_database() as con:
            return con.sql(f"select {selects} limit 0").to_arrow_table()


def _schema(text: str) -> TableSchema:
    """Read ``name type`` pairs; a star marks what is needed."""
    pairs = [line.split() for line in text.replace("\n", ",").split(",") if line.strip()]
    columns = {name.rstrip("*"): kind for name, kind in pairs}
    return TableSchema(columns, frozenset(name[:-1] for name, _ in pairs if name.endswith("*")))


SCHEMAS = {
    "gaia_source": _schema("""
        source_id* bigint, ref_epoch* double, ra* double, ra_error* float, dec* double, dec_error* float
        l double, b double, ecl_lat double, parallax* double, parallax_error* float
        pmra double, pmra_error float, pmdec double, pmdec_error float
        ruwe* float, astrometric_params_solved smallint, nu_eff_used_in_astrometry float, pseudocolour float
        phot_g_mean_mag* float, phot_bp_mean_mag* float, phot_rp_mean_mag* float
        phot_g_mean_flux_over_error float, phot_bp_mean_flux_over_error float, phot_rp_mean_flux_over_error float
        bp_rp* float, phot_bp_rp_excess_factor* float
        has_xp_continuous boolean, radial_velocity float, phot_variable_flag varchar
    """),
    "xp_continuous_mean_spectrum": _schema("""
        source_id* bigint
        bp_coefficients* float[], bp_coefficient_errors* float[], bp_n_relevant_bases* smallint
        bp_standard_deviation float, bp_n_measurements smallint
        rp_coefficients* float[], rp_coefficient_errors* float[], rp_n_relevant_bases* smallint
        rp_standard_deviation float, rp_n_measurements smallint
    """),
    "twomass_psc": _schema("""
        designation* varchar, ra* double, dec* double, err_maj* float, err_min* float, err_ang float
        j_m* float, j_msigcom float, h_m* float, h_msigcom float, k_m* float, k_msigcom float
        ph_qual varchar, rd_flg varchar, bl_flg varchar, cc_flg varchar, gal_contam smallint, mp_flg smallint
        prox float, jdate* double
    """),
    "apogee_allstar": _schema("""
        APOGEE_ID* varchar, TELESCOPE varchar, FIELD varchar, RA* double, DEC* double, GLON double, GLAT double
        NVISITS integer, EXTRATARG integer, VHELIO_AVG float, VERR float, SNR* float
        STARFLAG* bigint, ASPCAPFLAG* bigint
        J* float, J_ERR float, H* float, H_ERR float, K* float, K_ERR float
        TEFF* float, TEFF_ERR* float, LOGG* float, LOGG_ERR* float, M_H* float, M_H_ERR* float
        GAIAEDR3_SOURCE_ID* bigint, GAIAEDR3_PARALLAX float, GAIAEDR3_PARALLAX_ERROR float
        GAIAEDR3_PHOT_G_MEAN_MAG float, GAIAEDR3_PHOT_BP_MEAN_MAG float, GAIAEDR3_PHOT_RP_MEAN_MAG float
    """),
    "extinction": _schema("source_id* bigint, logebv* float, logebv_error float, map varchar"),
}
"""The tables of a landing that the warehouse is made from, as the simulated sky has them too."""

EBV = _schema("source_id* bigint, ebv* double, ebv_error double, map varchar")
"""What may be given in place of ``extinction``: E(B-V) itself."""
