-- Pairs of Gaia and 2MASS with the brightness of both sides.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    pairs.rowid as row_number,
    pairs.*,
    case when pairs.is_mutual_best then pairs.designation end as mutual_designation,
    gaia.source_id is not null and twomass.designation is not null as has_both_sides,
    gaia.phot_g_mean_mag,
    twomass.j,
    gaia.phot_g_mean_mag - twomass.j as g_j,
    case when pairs.is_mutual_best then g_j - g_minus_j(gaia.bp_rp) end as g_j_residual_mag
from checked.crossmatch.gaia_twomass as pairs
left join checked.staging.gaia_source as gaia using (source_id)
left join checked.staging.twomass as twomass using (designation)
