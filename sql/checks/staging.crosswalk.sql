-- The crosswalk with what its rules compare: identifiers that are sources, and pairs that lead one way.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    crosswalk.rowid as row_number,
    crosswalk.*,
    source_id::varchar || ' ' || earlier_source_id::varchar as pair,
    source_id > 0 and earlier_source_id > 0 and source_healpix(source_id, 12) < 12 * pow(4, 12)
    and source_healpix(earlier_source_id, 12) < 12 * pow(4, 12) as is_in_range,
    source_id = earlier_source_id or back.there is null as is_one_way
from checked.staging.crosswalk as crosswalk
left join (
    select distinct source_id as there, earlier_source_id as here from checked.staging.crosswalk
) as back on crosswalk.earlier_source_id = back.there and crosswalk.source_id = back.here
