-- Sources of Gaia: names as in DR3. What only some releases have is NULL for the others.
select
    -- identity and position
    source_id,
    ref_epoch,
    ra,
    ra_error,
    dec,
    dec_error,
    l,
    b,
    ecl_lat,
    -- astrometry
    parallax,
    parallax_error,
    pmra,
    pmra_error,
    pmdec,
    pmdec_error,
    ruwe,
    astrometric_params_solved,
    nu_eff_used_in_astrometry,
    pseudocolour,
    -- photometry
    phot_g_mean_mag,
    phot_bp_mean_mag,
    phot_rp_mean_mag,
    phot_g_mean_flux_over_error,
    phot_bp_mean_flux_over_error,
    phot_rp_mean_flux_over_error,
    bp_rp,
    phot_bp_rp_excess_factor,
    -- the rest
    has_xp_continuous,
    radial_velocity,
    phot_variable_flag,
    -- what the archive itself says of the zero point of the parallax, in mas
    parallax_zero_point
from (
    select * from read_parquet($files, hive_partitioning = false)
    union all by name
    select null::float as parallax_zero_point where false
) as given
