-- XP spectra with what their rules compare: lengths, finite numbers, and the magnitudes of their sources.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    xp.rowid as row_number,
    xp.source_id,
    bp_n_relevant_bases,
    rp_n_relevant_bases,
    gaia.source_id is not null as has_source,
    -- a star may lack a band, then all of it
    case when coalesce(bp_coefficients, bp_coefficient_errors) is not null or bp_n_relevant_bases is not null
        then coalesce(len(bp_coefficients), 0) end as bp_num_coefficients,
    case when coalesce(rp_coefficients, rp_coefficient_errors) is not null or rp_n_relevant_bases is not null
        then coalesce(len(rp_coefficients), 0) end as rp_num_coefficients,
    bp_num_coefficients is not null and rp_num_coefficients is not null as has_both_bands,
    len(bp_coefficient_errors) = len(bp_coefficients) and len(rp_coefficient_errors) = len(rp_coefficients)
        as has_all_errors,
    len([c for c in list_concat(bp_coefficients, rp_coefficients, bp_coefficient_errors, rp_coefficient_errors)
        if not isfinite(c)]) as num_not_finite,
    list_min(list_concat(bp_coefficient_errors, rp_coefficient_errors)) as smallest_error,
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
