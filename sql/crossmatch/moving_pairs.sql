-- All pairs within the radius of points of which one side moves: each is compared at the epoch of the one that stands still.
-- Given: build_cells and probe_cells (row_number, x, y, z, vx, vy, vz, years, cell), and the radius as a chord.
with

meetings as (

    -- the moving side has no years, the other no motion, so one formula serves whichever of them was copied into cells: u is the
    -- first point at the epoch of the second, w the second at that of the first, both scaled to length 1
    select
        build_cells.row_number as build_row,
        probe_cells.row_number as probe_row,
        build_cells.x + build_cells.vx * probe_cells.years as ux,
        build_cells.y + build_cells.vy * probe_cells.years as uy,
        build_cells.z + build_cells.vz * probe_cells.years as uz,
        probe_cells.x + probe_cells.vx * build_cells.years as wx,
        probe_cells.y + probe_cells.vy * build_cells.years as wy,
        probe_cells.z + probe_cells.vz * build_cells.years as wz,
        1 / sqrt(ux * ux + uy * uy + uz * uz) as u,
        1 / sqrt(wx * wx + wy * wy + wz * wz) as w,
        ux * u - wx * w as dx,
        uy * u - wy * w as dy,
        uz * u - wz * w as dz,
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
