-- All pairs within the radius of points whose places do not depend on each other.
-- Given: build_cells and probe_cells (row_number, x, y, z, cell), and the radius as a chord.
with

meetings as (

    select
        build_cells.row_number as build_row,
        probe_cells.row_number as probe_row,
        build_cells.x - probe_cells.x as dx,
        build_cells.y - probe_cells.y as dy,
        build_cells.z - probe_cells.z as dz,
        dx * dx + dy * dy + dz * dz as chord2
    from probe_cells
    inner join build_cells using (cell)

)

-- an angle from its chord: exact for small ones, where an arc cosine would lose all digits
select
    build_row,
    probe_row,
    2 * asin(sqrt(chord2) / 2) * 6.48e5 / pi() as separation_arcsec
from meetings
where chord2 <= getvariable('chord') * getvariable('chord')
