-- The crosswalk of a release whose identifiers are those that labels are known by: there is nothing to cross.
select
    null::bigint as source_id,
    null::bigint as earlier_source_id,
    null::float as angular_distance,
    null::float as magnitude_difference,
    null::boolean as probable_match
where false
