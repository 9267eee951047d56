-- Which flags a published star carries: one column a bit of stars.quality_flags. This is their only home: the tags say which bit
-- it is (--/B), what it means (--/D; {rules} are filled in from macros.sql), and whether it makes the parameters doubtful (--/X bad).
-- Given: warehouse, the attached file; predictions, one row a star.
select
    stars.source_id,
    stars.tmass_designation is null as no_2mass, --/B 1 --/D No 2MASS counterpart within the radius
    stars.xp_num_relevant_bases is null as no_xp, --/B 2 --/D No XP spectrum: parameters rest on colours
    coalesce(stars.xp_num_relevant_bases < min_relevant_bases(), false) as few_bases, --/B 4 --/D Fewer than {min_relevant_bases} relevant XP coefficients: a noisy spectrum
    coalesce(not is_good_ruwe(stars.ruwe), not gaia_lacks('ruwe')) as poor_astrometry, --/B 8 --/D RUWE of {max_ruwe} or more, or none: often a binary --/X bad
    coalesce(not is_good_excess_factor(stars.phot_bp_rp_excess_factor), false) as excess_factor, --/B 16 --/D BP-RP excess factor of {max_excess_factor} or more: blended light
    coalesce(stars.tmass_num_neighbours > 1, false) as crowded, --/B 32 --/D More than one 2MASS source within the radius
    coalesce(not is_good_colour(stars.bprp), not gaia_lacks('bp_rp')) as colour_outside, --/B 64 --/D BP-RP outside the range of the training set ({min_bp_rp_mag} to {max_bp_rp_mag} mag) --/X bad
    coalesce(not is_good_magnitude(stars.phot_g_mean_mag), not gaia_lacks('phot_g_mean_mag')) as magnitude_outside, --/B 128 --/D G outside the range of the training set ({min_g_mag} to {max_g_mag} mag) --/X bad
    coalesce(is_uncertain(predictions.teff_error, predictions.logg_error, predictions.m_h_error), false) as uncertain, --/B 256 --/D Predicted error above {max_teff_error_k} K, {max_logg_error_dex} dex or {max_m_h_error_dex} dex --/X bad
    predictions.num_tokens_observed = 0 as nothing_known --/B 512 --/D The model was shown nothing: the answer is the prior --/X bad
from warehouse.marts.stars as stars
inner join predictions using (source_id)
