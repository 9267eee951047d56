-- What the model learns from: the stars that pass the cuts, their tokens and their split.
-- A star without good XP keeps no coefficients.
select
    source_id,
    split,
    phot_g_mean_mag,
    if(is_gaia_good, bp_gnorm, null) as bp_gnorm,
    if(is_gaia_good, bp_gnorm_error, null) as bp_gnorm_error,
    if(is_gaia_good, rp_gnorm, null) as rp_gnorm,
    if(is_gaia_good, rp_gnorm_error, null) as rp_gnorm_error,
    columns('^(bprp|jh|jk|teff|logg|m_h|logebv|g_fakemag)(_error)?$')
from marts.stars
where in_training_set
order by source_id
