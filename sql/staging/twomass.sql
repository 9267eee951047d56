-- 2MASS point sources (IRSA fp_psc): the epoch in years, one position error.
select
    designation,
    ra,
    dec,
    sqrt(err_maj * err_min) as position_error_arcsec,
    2000.0 + (jdate - 2451545.0) / 365.25 as epoch_year,
    -- magnitudes; an upper limit has no error
    nullif(j_m, 99.999) as j,
    j_msigcom as j_error,
    nullif(h_m, 99.999) as h,
    h_msigcom as h_error,
    nullif(k_m, 99.999) as ks,
    k_msigcom as ks_error,
    -- quality
    ph_qual,
    cc_flg,
    bl_flg,
    gal_contam
from read_parquet($files, hive_partitioning = false)
