-- Training file of Leung & Bovy (2024): rows that passed their cuts, tokens already; what is not finite becomes NULL.
-- (A comparison with NaN would do nothing: DuckDB 2.0 trusts statistics of Parquet that leave NaN out.)
-- A row without a Gaia source gets a negative identifier from its 2MASS designation.
select
    row_in_file,
    case
        when gaia_source_id > 1 then gaia_source_id
        else -1 - cast(md5_number_lower(tmass_designation) >> 1 as bigint)
    end as source_id,
    tmass_designation,
    -- hhmmssss+ddmmsss, truncated: the middle of 0.01 s and 0.1 arcsec, where 2MASS saw the star
    15 * (
        try_cast(tmass_designation[1:2] as double) + try_cast(tmass_designation[3:4] as double) / 60
        + (try_cast(tmass_designation[5:8] as double) + 0.5) / 360000
    ) as ra,
    if(tmass_designation[9] = '-', -1, 1) * (
        try_cast(tmass_designation[10:11] as double) + try_cast(tmass_designation[12:13] as double) / 60
        + (try_cast(tmass_designation[14:16] as double) + 0.5) / 36000
    ) as dec,
    -- spectra: 55 of BP, 55 of RP
    [case when isfinite(c) then c end for c in xp_coeffs_gnorm]::float[] as xp_gnorm,
    [case when isfinite(e) then e end for e in xp_coeffs_gnorm_err]::float[] as xp_gnorm_error,
    xp_relevancy,
    -- scalars
    cast(case when isfinite(phot_g_mean_mag) then phot_g_mean_mag end as float) as phot_g_mean_mag,
    cast(case when isfinite(parallax) then parallax end as double) as parallax,
    cast(case when isfinite(parallax_err) then parallax_err end as float) as parallax_error,
    cast(case when isfinite(bprp) then bprp end as float) as bprp,
    cast(case when isfinite(bprp_err) then bprp_err end as float) as bprp_error,
    cast(case when isfinite(jh) then jh end as float) as jh,
    cast(case when isfinite(jh_err) then jh_err end as float) as jh_error,
    cast(case when isfinite(jk) then jk end as float) as jk,
    cast(case when isfinite(jk_err) then jk_err end as float) as jk_error,
    cast(case when isfinite(teff) then teff end as float) as teff,
    cast(case when isfinite(teff_err) then teff_err end as float) as teff_error,
    cast(case when isfinite(logg) then logg end as float) as logg,
    cast(case when isfinite(logg_err) then logg_err end as float) as logg_error,
    cast(case when isfinite(m_h) then m_h end as float) as m_h,
    cast(case when isfinite(m_h_err) then m_h_err end as float) as m_h_error,
    cast(case when isfinite(logc19) then logc19 end as float) as logebv,
    cast(case when isfinite(logc19_err) then logc19_err end as float) as logebv_error,
    cast(case when isfinite(g_fakemag) then g_fakemag end as float) as g_fakemag,
    cast(case when isfinite(g_fakemag_err) then g_fakemag_err end as float) as g_fakemag_error
from read_parquet($files, hive_partitioning = false)
