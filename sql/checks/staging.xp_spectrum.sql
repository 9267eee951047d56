-- XP spectra with what their rules compare: lengths, finite numbers, and the magnitudes of their sources.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    xp.rowid as row_number,
    xp.source_id,
    bp_n_relevant_bases,
    rp_n_relevant_bases,
    gaia.source_id is not null as has_source,
    coalesce(len(bp_coefficients), 0) as bp_num_coefficients,
    coalesce(len(rp_coefficients), 0) as rp_num_coefficients,
    len(bp_coefficient_errors) = len(bp_coefficients) and len(rp_coefficient_errors) = len(rp_coefficients)
        as has_all_errors,
    len([c for c in bp_coefficients || rp_coefficients || bp_coefficient_errors || rp_coefficient_errors if not isfinite(c)])
        as num_not_finite,
    list_min(bp_coefficient_errors || rp_coefficient_errors) as smallest_error,
    gaia.phot_g_mean_mag,
    -- the first coefficients carry most of the flux: compared with the fluxes of the bands, in magnitudes
    case when bp_coefficients[1] > 0 then -2.5 * log10(bp_coefficients[1]) end as bp_mag,
    case when rp_coefficients[1] > 0 then -2.5 * log10(rp_coefficients[1]) end as rp_mag,
    bp_mag - gaia.phot_bp_mean_mag as bp_mag_minus_phot,
    rp_mag - gaia.phot_rp_mean_mag as rp_mag_minus_phot
from checked.staging.xp_spectrum as xp
left join (
    select source_id, any_value(columns('^phot_.*_mean_mag$')) from checked.staging.gaia_source group by source_id
) as gaia using (source_id)
