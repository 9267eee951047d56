-- The percentiles of each XP coefficient divided by the G flux between which a star of the training set must lie.
-- One row: four arrays, with as many numbers as the band has coefficients.
with

normalised as (

    select
        g_flux(phot_g_mean_mag) as flux,
        bp_coefficients,
        rp_coefficients
    from marts.star_observations
    where bp_coefficients is not null and apogee_id is not null

),

listed as (

    select 'bp' as band, unnest(range(num_bp())) as place, unnest(bp_coefficients::float[]) / flux as value from normalised
    union all
    select 'rp' as band, unnest(range(num_rp())) as place, unnest(rp_coefficients::float[]) / flux as value from normalised

),

limits as (

    select band, place, quantile_disc(value, coefficient_shares()) as low_high
    from listed
    where isfinite(value)
    group by band, place

)

select
    list(low_high[1] order by place) filter (where band = 'bp') as bp_low,
    list(low_high[2] order by place) filter (where band = 'bp') as bp_high,
    list(low_high[1] order by place) filter (where band = 'rp') as rp_low,
    list(low_high[2] order by place) filter (where band = 'rp') as rp_high
from limits
