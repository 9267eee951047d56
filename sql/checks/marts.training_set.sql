-- The training set with what its rules compare: how much is known of each star, and its split.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    training.rowid as row_number,
    training.* exclude (bp_gnorm, bp_gnorm_error, rp_gnorm, rp_gnorm_error),
    coalesce(len([c for c in bp_gnorm::float[] || rp_gnorm::float[] if c is not null]), 0) as num_coefficients,
    len([c for c in bp_gnorm::float[] || rp_gnorm::float[] if not isfinite(c)]) as num_coefficients_not_finite,
    bp_gnorm[1] as bp0,
    rp_gnorm[1] as rp0,
    num_coefficients > 0 or teff is not null or bprp is not null as is_known,
    len([value for value in [
        bprp, bprp_error, jh, jh_error, jk, jk_error, teff, teff_error, logg, logg_error, m_h, m_h_error, logebv, logebv_error,
        g_fakemag, g_fakemag_error
    ] if not isfinite(value)]) as num_not_finite,
    stars.source_id is not null as is_a_star,
    stars.split = training.split as keeps_its_split
from checked.marts.training_set as training
left join (select source_id, split from checked.marts.stars) as stars using (source_id)
