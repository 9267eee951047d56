-- 2MASS point sources with what their rules compare: positions against designations, colours, letters of the flags.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    twomass.rowid as row_number,
    twomass.*,
    len([value for value in [ra, dec, position_error_arcsec, epoch_year, j, h, ks, j_error, h_error, ks_error]
        if not isfinite(value)]) as num_not_finite,
    -- hhmmssss+ddmmsss: truncated, to 0.01 s and 0.1 arcsec
    15 * (
        try_cast(designation[1:2] as double) + try_cast(designation[3:4] as double) / 60
        + try_cast(designation[5:8] as double) / 360000
    ) as designation_ra,
    if(designation[9] = '-', -1, 1) * (
        try_cast(designation[10:11] as double) + try_cast(designation[12:13] as double) / 60
        + try_cast(designation[14:16] as double) / 36000
    ) as designation_dec,
    coalesce(
        abs(dec - designation_dec) < 1.0 / 3600
        and abs((ra - designation_ra + 540) % 360 - 180) * cos(radians(dec)) < 1.0 / 3600, false
    ) as is_where_its_name_says,
    regexp_full_match(ph_qual, '[XUFEABCD]{3}') as has_known_quality,
    regexp_full_match(cc_flg, '[pcdsb0]{3}') as has_known_confusion,
    j - h as jh,
    j - ks as jk,
    h - ks as hk
from checked.staging.twomass as twomass
