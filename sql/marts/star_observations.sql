-- One row a Gaia source with everything the surveys say of it.
-- Of a star with several APOGEE rows the one with unset flags and the highest S/N speaks for it; the others are counted.
with

matches_2mass as (

    select * from crossmatch.gaia_twomass where is_mutual_best

),

matches_apogee as (

    select * from crossmatch.gaia_apogee where is_mutual_best

),

apogee_best as (

    select
        *,
        count(*) over (partition by apogee_id) as apogee_num_rows
    from staging.apogee
    qualify row_number() over (
        partition by apogee_id
        order by starflag = 0 desc, not is_bad_aspcap(aspcapflag) desc, snr desc, field, telescope
    ) = 1

)

select
    gaia.*,
    -- spectra
    xp.bp_coefficients,
    xp.bp_coefficient_errors,
    xp.bp_n_relevant_bases,
    xp.rp_coefficients,
    xp.rp_coefficient_errors,
    xp.rp_n_relevant_bases,
    -- 2MASS
    twomass.designation as tmass_designation,
    matches_2mass.separation_arcsec as tmass_separation_arcsec,
    matches_2mass.num_neighbours as tmass_num_neighbours,
    twomass.j,
    twomass.j_error,
    twomass.h,
    twomass.h_error,
    twomass.ks,
    twomass.ks_error,
    -- APOGEE
    apogee_best.apogee_id,
    apogee_best.snr as apogee_snr,
    cast(apogee_best.apogee_num_rows as integer) as apogee_num_rows,
    apogee_best.starflag,
    apogee_best.aspcapflag,
    apogee_best.teff,
    apogee_best.teff_error,
    apogee_best.logg,
    apogee_best.logg_error,
    apogee_best.m_h,
    apogee_best.m_h_error,
    -- dust and the parallax zero point
    extinction.logebv,
    extinction.logebv_error,
    coalesce(zero_points.zero_point_mas, 0) as zero_point_mas,
    -- the star in an earlier release
    earlier.earlier_source_id,
    earlier.earlier_source_ids
from staging.gaia_source as gaia
left join staging.xp_spectrum as xp using (source_id)
left join matches_2mass using (source_id)
left join staging.twomass as twomass using (designation)
left join matches_apogee using (source_id)
left join apogee_best using (apogee_id)
left join staging.extinction as extinction using (source_id)
left join marts.parallax_zero_point as zero_points using (source_id)
left join crossmatch.earlier_sources as earlier using (source_id)
order by gaia.source_id
