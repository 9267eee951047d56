-- The published stars with what their rules compare: percentiles in order, flags that say the same as their bits.
-- Given: checked, the attached release.
select
    stars.rowid as row_number,
    stars.*,
    (teff is null or (teff_16 < teff and teff < teff_84)) and (logg is null or (logg_16 < logg and logg < logg_84))
    and (m_h is null or (m_h_16 < m_h and m_h < m_h_84)) and (ebv is null or (ebv_16 <= ebv and ebv <= ebv_84))
    and (distance_pc is null or distance_pc_16 is null or distance_pc_16 <= distance_pc)
    and (distance_pc is null or distance_pc_84 is null or distance_pc <= distance_pc_84) as is_in_order,
    len([value for value in [
        ra, dec, phot_g_mean_mag, teff, teff_error, logg, logg_error, m_h, m_h_error, ebv, ebv_16, ebv_84,
        distance_pc, distance_pc_16, distance_pc_84
    ] if not isfinite(value)]) as num_not_finite,
    source_healpix(source_id, 8) = healpix_8 as is_in_its_pixel,
    flag_warn = (quality_flags <> 0) and (not flag_bad or flag_warn) as says_its_flags
from checked.main.stars as stars
