-- Pairs of Gaia and APOGEE with the match that APOGEE's own table carries.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    pairs.rowid as row_number,
    pairs.*,
    case when pairs.is_mutual_best then pairs.apogee_id end as mutual_apogee_id,
    gaia.source_id is not null and apogee.apogee_id is not null as has_both_sides,
    case
        when pairs.is_mutual_best and has_crosswalk()
            then list_contains(earlier.earlier_source_ids, apogee.gaia_source_id)
        when pairs.is_mutual_best then pairs.source_id = apogee.gaia_source_id
    end as is_match_of_apogee
from checked.crossmatch.gaia_apogee as pairs
left join checked.staging.gaia_source as gaia using (source_id)
left join checked.crossmatch.earlier_sources as earlier using (source_id)
left join (
    select apogee_id, max(gaia_source_id) as gaia_source_id from checked.staging.apogee group by apogee_id
) as apogee using (apogee_id)
