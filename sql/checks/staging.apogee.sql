-- APOGEE rows with what their rules compare: their 2MASS names and magnitudes, their Gaia sources.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    apogee.rowid as row_number,
    apogee.*,
    case when regexp_full_match(apogee.apogee_id, '2M[0-9]{8}[+-][0-9]{7}') then coalesce(
        abs(
            apogee.dec - if(apogee.apogee_id[11] = '-', -1, 1) * (
                try_cast(apogee.apogee_id[12:13] as double) + try_cast(apogee.apogee_id[14:15] as double) / 60
                + try_cast(apogee.apogee_id[16:18] as double) / 36000
            )
        ) < 1.0 / 3600, false
    ) end as is_where_its_name_says,
    -- where labels are known by the identifiers of an earlier release, one that leads nowhere is no mistake: it is counted
    case
        when has_crosswalk() then through.is_there
        when apogee.gaia_source_id is not null then gaia.source_id is not null
    end as has_its_source,
    len([value for value in [apogee.ra, apogee.dec, snr] if not isfinite(value)]) as num_not_finite,
    (teff is null) = (teff_error is null) and (logg is null) = (logg_error is null) and (m_h is null) = (m_h_error is null)
        as has_all_errors,
    apogee.j - apogee.k as jk,
    apogee.j - twomass.j as j_minus_twomass,
    apogee.h - twomass.h as h_minus_twomass,
    apogee.k - twomass.ks as k_minus_twomass
from checked.staging.apogee as apogee
left join (
    select designation, any_value(columns(['j', 'h', 'ks'])) from checked.staging.twomass group by designation
) as twomass on apogee.apogee_id[3:] = twomass.designation
left join (select distinct source_id from checked.staging.gaia_source) as gaia on apogee.gaia_source_id = gaia.source_id
left join (
    select earlier_source_id, bool_or(sources.source_id is not null) as is_there
    from checked.staging.crosswalk
    left join (select distinct source_id from checked.staging.gaia_source) as sources using (source_id)
    group by earlier_source_id
) as through on apogee.gaia_source_id = through.earlier_source_id
