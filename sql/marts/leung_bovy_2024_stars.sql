-- marts.stars from the training file of Leung & Bovy (2024): one row a star, the same columns, no crossmatch.
-- Of the rows of a star the one with a spectrum, then with most labels, speaks for it; the others are counted.
-- What the file does not say is NULL; a star with all coefficients has passed every cut, another came by APOGEE alone.
with

listed as (

    select
        *,
        coalesce(len([c for c in xp_gnorm if c is not null]) = num_bp() + num_rp(), false) as has_all_xp,
        (teff is not null)::int + (logg is not null)::int + (m_h is not null)::int as num_labels,
        radians(ra) as phi,
        radians(dec) as theta
    from staging.leung_bovy_2024

),

spoken as (

    select
        *,
        count(*) over (partition by source_id) as num_rows
    from listed
    qualify row_number() over (
        partition by source_id order by has_all_xp desc, num_labels desc, row_in_file
    ) = 1

)

select
    -- identity and position
    source_id,
    null::bigint as earlier_source_id,
    ra,
    dec,
    galactic_longitude_deg(phi, theta) as l,
    galactic_latitude_deg(phi, theta) as b,
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
    has_all_xp or coalesce(is_good_colour(bprp), false) as colour_in_range,
    has_all_xp or coalesce(is_good_magnitude(phot_g_mean_mag), false) as magnitude_in_range,
    has_all_xp or parallax is not null as ruwe_is_good,
    has_all_xp as excess_factor_is_good,
    true as no_bright_neighbour,
    num_labels > 0 as labels_are_good,
    has_all_xp as is_gaia_good,
    not has_all_xp as is_apogee_only,
    true as in_training_set,
    split_of(source_id) as split,
    -- tokens; coefficients beyond the relevant bases are unknown. The file has those of RP behind those of BP.
    [case when xp_relevancy[1 + relevancy_order(i)] then xp_gnorm[1 + i] end for i in range(num_bp())]::float[] as bp_gnorm,
    [case when xp_relevancy[1 + relevancy_order(i)] then xp_gnorm_error[1 + i] end for i in range(num_bp())]::float[]
        as bp_gnorm_error,
    [
        case when xp_relevancy[1 + num_bp() + relevancy_order(i)] then xp_gnorm[1 + num_bp() + i] end
        for i in range(num_rp())
    ]::float[] as rp_gnorm,
    [
        case when xp_relevancy[1 + num_bp() + relevancy_order(i)] then xp_gnorm_error[1 + num_bp() + i] end
        for i in range(num_rp())
    ]::float[] as rp_gnorm_error,
    columns('^(bprp|jh|jk|teff|logg|m_h|logebv|g_fakemag)(_error)?$')
from spoken
order by source_id
