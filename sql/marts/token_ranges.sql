-- The 0.2 and 99.8 percentile of each XP coefficient divided by the G flux (Leung & Bovy 2024): stars outside are left out.
-- One row: four arrays of 55.
with

normalised as (

    select
        pow(10, (25.6873668671 - phot_g_mean_mag) / 2.5) as g_flux,
        bp_coefficients,
        rp_coefficients
    from marts.star_observations
    where bp_coefficients is not null and apogee_id is not null

),

listed as (

    select 'bp' as band, unnest(range(55)) as place, unnest(bp_coefficients::float[]) / g_flux as value from normalised
    union all
    select 'rp' as band, unnest(range(55)) as place, unnest(rp_coefficients::float[]) / g_flux as value from normalised

),

limits as (

    select band, place, quantile_disc(value, [0.002, 0.998]) as low_high
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
