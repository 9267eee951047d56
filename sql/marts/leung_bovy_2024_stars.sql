-- marts.stars from the training file of Leung & Bovy (2024): one row a star, the same columns, no crossmatch.
-- Of the rows of a star the one with a spectrum, then with most labels, speaks for it; the others are counted.
-- What the file does not say is NULL; a star with all coefficients has passed every cut, another came by APOGEE alone.
with

listed as (

    select
        *,
        coalesce(len([c for c in xp_gnorm if c is not null]) = 110, false) as has_all_xp,
        (teff is not null)::int + (logg is not null)::int + (m_h is not null)::int as num_labels,
        radians(ra) as phi,
        radians(dec) as theta
    from staging.leung_bovy_2024

),

spoken as (

    select
        *,
        count(*) over (partition by source_id) as num_rows,
        md5_number_lower(source_id::varchar) % 100 as bucket
    from listed
    qualify row_number() over (
        partition by source_id order by has_all_xp desc, num_labels desc, row_in_file
    ) = 1

)

select
    -- identity and position; north galactic pole of J2000
    source_id,
    ra,
    dec,
    (122.93192 - degrees(atan2(
        cos(theta) * sin(phi - radians(192.85948)),
        cos(radians(27.12825)) * sin(theta) - sin(radians(27.12825)) * cos(theta) * cos(phi - radians(192.85948))
    )) + 360) % 360 as l,
    degrees(asin(greatest(-1, least(1,
        sin(theta) * sin(radians(27.12825)) + cos(theta) * cos(radians(27.12825)) * cos(phi - radians(192.85948))
    )))) as b,
    -- astrometry and photometry; the parallax is corrected, and NULL where it is poor
    phot_g_mean_mag,
    bprp as bp_rp,
    parallax,
    parallax_error,
    null::float as ruwe,
    null::float as phot_bp_rp_excess_factor,
    -- other surveys; the file keeps no prefix of the APOGEE identifier
    tmass_designation,
    null::double as tmass_separation_arcsec,
    null::integer as tmass_num_neighbours,
    null::varchar as apogee_id,
    null::float as apogee_snr,
    cast(num_rows as integer) as apogee_num_rows,
    case when has_all_xp then cast(len([r for r in xp_relevancy if r]) as integer) end as xp_num_relevant_bases,
    -- cuts
    has_all_xp,
    has_all_xp as xp_in_range,
    has_all_xp or coalesce(bprp > 0 and bprp < 4, false) as colour_in_range,
    has_all_xp or coalesce(phot_g_mean_mag > 6 and phot_g_mean_mag < 17.5, false) as magnitude_in_range,
    has_all_xp or parallax is not null as ruwe_is_good,
    has_all_xp as excess_factor_is_good,
    true as no_bright_neighbour,
    num_labels > 0 as labels_are_good,
    has_all_xp as is_gaia_good,
    not has_all_xp as is_apogee_only,
    true as in_training_set,
    -- the split depends on the source identifier alone: a star never changes sides, nor do its repeated rows
    case when bucket < 10 then 'test' when bucket < 15 then 'validation' else 'train' end as split,
    -- tokens; coefficients beyond the relevant bases are unknown, and the highest share the fate of order 51
    [case when xp_relevancy[1 + least(i, 51)] then xp_gnorm[1 + i] end for i in range(55)]::float[55] as bp_gnorm,
    [case when xp_relevancy[1 + least(i, 51)] then xp_gnorm_error[1 + i] end for i in range(55)]::float[55]
        as bp_gnorm_error,
    [case when xp_relevancy[56 + least(i, 51)] then xp_gnorm[56 + i] end for i in range(55)]::float[55] as rp_gnorm,
    [case when xp_relevancy[56 + least(i, 51)] then xp_gnorm_error[56 + i] end for i in range(55)]::float[55]
        as rp_gnorm_error,
    columns('^(bprp|jh|jk|teff|logg|m_h|logebv|g_fakemag)(_error)?$')
from spoken
order by source_id
