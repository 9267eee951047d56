-- Stars with what their rules compare: cuts against one another, tokens against what they are made of.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    stars.rowid as row_number,
    stars.* exclude (bp_gnorm, bp_gnorm_error, rp_gnorm, rp_gnorm_error),
    len(bp_gnorm) as bp_num_tokens,
    len(rp_gnorm) as rp_num_tokens,
    greatest(list_max([abs(c) for c in bp_gnorm::float[]]), list_max([abs(c) for c in rp_gnorm::float[]]))
        as largest_coefficient,
    list_min(bp_gnorm_error::float[] || rp_gnorm_error::float[]) as smallest_coefficient_error,
    bp_gnorm[1] as bp0,
    rp_gnorm[1] as rp0,
    not is_gaia_good or (
        has_all_xp and xp_in_range and passes(colour_in_range) and passes(magnitude_in_range) and passes(ruwe_is_good)
        and passes(excess_factor_is_good) and no_bright_neighbour
    ) as keeps_its_cuts,
    in_training_set = (is_gaia_good or is_apogee_only) and not (is_gaia_good and is_apogee_only) as is_decided_once,
    labels_are_good or coalesce(teff, logg, m_h) is null as shows_only_good_labels,
    len([value for value in [
        bprp, bprp_error, jh, jh_error, jk, jk_error, teff, teff_error, logg, logg_error, m_h, m_h_error, logebv, logebv_error,
        g_fakemag, g_fakemag_error, parallax
    ] if not isfinite(value)]) as num_not_finite,
    jk - jh as hk,
    case when g_fakemag > 0 then 5 * (log10(g_fakemag) - 2) end as absolute_g,
    split = 'test' as is_test
from checked.marts.stars as stars
