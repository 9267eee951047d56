"""Real rows of the surveys as a landing has them: what a file does not give stays NULL, what follows from it is computed."""

from pathlib import Path

import duckdb
import pyarrow as pa

from stellarfm.landing.schema import landing_schemas
from stellarfm.surveys.selection import choose_surveys

Tables = dict[str, pa.Table]
CLUSTERS, APOGEE = "gaia_2mass_open_clusters.parquet", "apogee_dr17_allstar_rows.parquet"
_JULIAN_EPOCH_2016 = 16.0
"""Years from the epoch of 2MASS positions, 2000, to that of Gaia DR3, 2016."""

_JULIAN_DATE_2000 = 2451544.5
"""APOGEE's file does not say when 2MASS saw a star; Gaia's positions are carried from this day on."""


def cluster_rows(shared: Path) -> Tables:
    """Return Gaia and 2MASS of 22,001 stars of open clusters, with the pairs that are known in ``truth``.

    Parameters
    ----------
    shared
        Folder with the file.
    """
    con = _connect()
    con.execute(f"create table rows as from read_parquet('{shared / CLUSTERS}')")
    gaia = """select source_id, 2016.0 as ref_epoch, ra::double as ra, dec::double as dec, parallax, pmra, pmdec,
        phot_g_mean_mag, galactic_longitude_deg(radians(ra), radians(dec)) as l,
        galactic_latitude_deg(radians(ra), radians(dec)) as b, false as has_xp_continuous from rows"""
    twomass = """select tmass_designation as designation, tmass_ra as ra, tmass_dec as dec, Jmag as j_m, e_Jmag as j_msigcom,
        Hmag as h_m, e_Hmag as h_msigcom, Kmag as k_m, e_Kmag as k_msigcom, Qfl as ph_qual, MeasureJD as jdate
        from rows qualify row_number() over (partition by tmass_designation order by angDist) = 1"""
    truth = "select source_id, tmass_designation as designation, bp_rp from rows"
    return _landing(con, gaia, twomass, None) | {"truth": con.sql(truth).to_arrow_table()}


def apogee_rows(shared: Path) -> Tables:
    """Return APOGEE with what its file says of Gaia and 2MASS, 197 rows; Gaia's positions are carried to 2016.

    Parameters
    ----------
    shared
        Folder with the file.
    """
    con = _connect()
    # RA and DEC are those of 2MASS (data model of allStar)
    con.execute(f"create table rows as from read_parquet('{shared / APOGEE}')")
    gaia = f"""select GAIAEDR3_SOURCE_ID as source_id, 2016.0 as ref_epoch,
        RA + coalesce(GAIAEDR3_PMRA, 0) * {_JULIAN_EPOCH_2016} / 3.6e6 / cos(radians(DEC)) as ra,
        DEC + coalesce(GAIAEDR3_PMDEC, 0) * {_JULIAN_EPOCH_2016} / 3.6e6 as dec, GLON as l, GLAT as b,
        GAIAEDR3_PARALLAX as parallax, GAIAEDR3_PARALLAX_ERROR as parallax_error, GAIAEDR3_PMRA as pmra,
        GAIAEDR3_PMRA_ERROR as pmra_error, GAIAEDR3_PMDEC as pmdec, GAIAEDR3_PMDEC_ERROR as pmdec_error,
        GAIAEDR3_PHOT_G_MEAN_MAG as phot_g_mean_mag, GAIAEDR3_PHOT_BP_MEAN_MAG as phot_bp_mean_mag,
        GAIAEDR3_PHOT_RP_MEAN_MAG as phot_rp_mean_mag, GAIAEDR3_PHOT_BP_MEAN_MAG - GAIAEDR3_PHOT_RP_MEAN_MAG as bp_rp,
        false as has_xp_continuous
        from rows where GAIAEDR3_SOURCE_ID > 0
        qualify row_number() over (partition by GAIAEDR3_SOURCE_ID order by SNR desc) = 1"""
    twomass = f"""select substring(APOGEE_ID, 3) as designation, RA as ra, DEC as dec, J as j_m, J_ERR as j_msigcom, H as h_m,
        H_ERR as h_msigcom, K as k_m, K_ERR as k_msigcom, {_JULIAN_DATE_2000} as jdate from rows
        qualify row_number() over (partition by APOGEE_ID order by SNR desc) = 1"""
    truth = "select distinct GAIAEDR3_SOURCE_ID as source_id, substring(APOGEE_ID, 3) as designation from rows"
    return _landing(con, gaia, twomass, "from rows") | {"truth": con.sql(truth).to_arrow_table()}


def _connect() -> duckdb.DuckDBPyConnection:
    from stellarfm.rules import install_rules

    con = duckdb.connect()
    install_rules(con)
    return con


def _landing(con: duckdb.DuckDBPyConnection, gaia: str, twomass: str, apogee: str | None) -> Tables:
    """Return every table of the landing; a column that a query does not give is NULL, a query of None a table without rows."""
    schemas = landing_schemas(choose_surveys())
    given = {"gaia_source": gaia, "twomass_psc": twomass, "apogee_allstar": apogee}
    tables = {}
    for name, schema in schemas.items():
        empty = schema.empty()
        if given.get(name) is None:
            tables[name] = empty
            continue
        rows = con.sql(str(given[name])).to_arrow_table()
        known = {column.lower(): column for column in rows.column_names}
        columns = [
            rows[known[f.name.lower()]].cast(f.type, safe=False)
            if f.name.lower() in known
            else pa.nulls(len(rows), f.type)
            for f in empty.schema
        ]
        tables[name] = pa.table(columns, empty.schema)
    return tables
