-- Reddenings with the existence of their Gaia source.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
select
    extinction.rowid as row_number,
    extinction.*,
    gaia.source_id is not null as has_source,
    len([value for value in [logebv, logebv_error] if not isfinite(value)]) as num_not_finite
from checked.staging.extinction as extinction
left join (select distinct source_id from checked.staging.gaia_source) as gaia using (source_id)
