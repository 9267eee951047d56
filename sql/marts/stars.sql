-- One row a Gaia source: the tokens of the model with their errors, each quality cut as a named column, and the split.
-- Formulae and cuts: Leung & Bovy (2024) and their published code, unless stated otherwise.
with

fluxes as (

    select
        *,
        g_flux(phot_g_mean_mag) as flux,
        parallax - zero_point_mas as corrected_parallax,
        is_good_parallax(parallax_error, ruwe) as parallax_is_good
    from marts.star_observations

),

normalised as (

    -- a coefficient of exactly 0 was not determined
    select
        *,
        [nullif(c, 0) / flux for c in bp_coefficients::float[]] as bp_all,
        [nullif(c, 0) / flux for c in rp_coefficients::float[]] as rp_all,
        [e / flux for e in bp_coefficient_errors::float[]] as bp_all_errors,
        [e / flux for e in rp_coefficient_errors::float[]] as rp_all_errors
    from fluxes

),

judged as (

    select
        normalised.*,
        coalesce(len([c for c in bp_all || rp_all if isfinite(c)]) = num_bp() + num_rp(), false) as has_all_xp,
        coalesce(
            len([i for i in range(1, num_bp() + 1) if bp_all[i] > bp_low[i] and bp_all[i] < bp_high[i]]) = num_bp()
            and len([i for i in range(1, num_rp() + 1) if rp_all[i] > rp_low[i] and rp_all[i] < rp_high[i]]) = num_rp(),
            false
        ) as xp_in_range,
        cut(is_good_colour(bp_rp), 'bp_rp') as colour_in_range,
        cut(is_good_magnitude(phot_g_mean_mag), 'phot_g_mean_mag') as magnitude_in_range,
        cut(is_good_ruwe(ruwe), 'ruwe') as ruwe_is_good,
        cut(is_good_excess_factor(phot_bp_rp_excess_factor), 'phot_bp_rp_excess_factor') as excess_factor_is_good,
        not coalesce(has_bright_neighbour(starflag), false) as no_bright_neighbour,
        coalesce(is_clean_apogee(starflag, aspcapflag), false) as apogee_is_clean,
        coalesce(has_good_labels(starflag, aspcapflag), false) as labels_are_good
    from normalised
    cross join marts.token_ranges

),

decided as (

    select
        *,
        has_all_xp and xp_in_range and passes(colour_in_range) and passes(magnitude_in_range) and passes(ruwe_is_good)
        and passes(excess_factor_is_good) and no_bright_neighbour as is_gaia_good,
        not has_all_xp and apogee_is_clean as is_apogee_only
    from judged

)

select
    -- identity and position
    source_id,
    earlier_source_id,
    ra,
    dec,
    l,
    b,
    -- astrometry and photometry
    phot_g_mean_mag,
    bp_rp,
    case when parallax_is_good then corrected_parallax end as parallax,
    parallax_error,
    ruwe,
    phot_bp_rp_excess_factor,
    -- other surveys
    tmass_designation,
    tmass_separation_arcsec,
    tmass_num_neighbours,
    apogee_id,
    apogee_snr,
    apogee_num_rows,
    cast(bp_n_relevant_bases + rp_n_relevant_bases as integer) as xp_num_relevant_bases,
    -- cuts
    has_all_xp,
    xp_in_range,
    colour_in_range,
    magnitude_in_range,
    ruwe_is_good,
    excess_factor_is_good,
    no_bright_neighbour,
    labels_are_good,
    is_gaia_good,
    is_apogee_only,
    is_gaia_good or is_apogee_only as in_training_set,
    split_of_star(source_id, earlier_source_ids) as split,
    -- tokens; coefficients beyond the relevant bases are unknown
    [case when relevancy_order(i) < bp_n_relevant_bases then bp_all[i + 1] end for i in range(num_bp())]::float[] as bp_gnorm,
    [case when relevancy_order(i) < bp_n_relevant_bases then bp_all_errors[i + 1] end for i in range(num_bp())]::float[]
        as bp_gnorm_error,
    [case when relevancy_order(i) < rp_n_relevant_bases then rp_all[i + 1] end for i in range(num_rp())]::float[] as rp_gnorm,
    [case when relevancy_order(i) < rp_n_relevant_bases then rp_all_errors[i + 1] end for i in range(num_rp())]::float[]
        as rp_gnorm_error,
    cast(bp_rp as float) as bprp,
    cast(sqrt(
        pow(relative_to_mag() / phot_bp_mean_flux_over_error, 2) + pow(bp_zero_point_error_mag(), 2)
        + pow(relative_to_mag() / phot_rp_mean_flux_over_error, 2) + pow(rp_zero_point_error_mag(), 2)
    ) as float) as bprp_error,
    cast(j - h as float) as jh,
    cast(sqrt(pow(j_error, 2) + pow(h_error, 2)) as float) as jh_error,
    cast(j - ks as float) as jk,
    cast(sqrt(pow(j_error, 2) + pow(ks_error, 2)) as float) as jk_error,
    case when labels_are_good then teff end as teff,
    case when labels_are_good then teff_error end as teff_error,
    case when labels_are_good then logg end as logg,
    case when labels_are_good then logg_error end as logg_error,
    case when labels_are_good then m_h end as m_h,
    case when labels_are_good then m_h_error end as m_h_error,
    logebv,
    logebv_error,
    cast(case when parallax_is_good then g_fakemag(corrected_parallax, phot_g_mean_mag) end as float) as g_fakemag,
    cast(case when parallax_is_good then g_fakemag(parallax_error, phot_g_mean_mag) end as float)
        as g_fakemag_error
from decided
order by source_id
