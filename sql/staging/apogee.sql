-- APOGEE DR17 allStar: one row an entry (a star may have several); fill values (99.999, -9999, NaN, 0) become NULL.
select
    APOGEE_ID as apogee_id,
    TELESCOPE as telescope,
    FIELD as field,
    RA as ra,
    DEC as dec,
    nullif(nullif(GAIAEDR3_SOURCE_ID, 0), -1) as gaia_source_id,
    -- the spectrum
    NVISITS as nvisits,
    SNR as snr,
    STARFLAG as starflag,
    ASPCAPFLAG as aspcapflag,
    EXTRATARG as extratarg,
    -- labels
    case when isfinite(TEFF) and TEFF > -9000 then TEFF end as teff,
    case when isfinite(TEFF_ERR) and TEFF_ERR > -9000 then TEFF_ERR end as teff_error,
    case when isfinite(LOGG) and LOGG > -9000 then LOGG end as logg,
    case when isfinite(LOGG_ERR) and LOGG_ERR > -9000 then LOGG_ERR end as logg_error,
    case when isfinite(M_H) and M_H > -9000 then M_H end as m_h,
    case when isfinite(M_H_ERR) and M_H_ERR > -9000 then M_H_ERR end as m_h_error,
    -- the 2MASS magnitudes that targets were chosen by
    case when J between -9000 and 99 then J end as j,
    case when J_ERR between -9000 and 99 then J_ERR end as j_error,
    case when H between -9000 and 99 then H end as h,
    case when H_ERR between -9000 and 99 then H_ERR end as h_error,
    case when K between -9000 and 99 then K end as k,
    case when K_ERR between -9000 and 99 then K_ERR end as k_error
from read_parquet($files, hive_partitioning = false)
