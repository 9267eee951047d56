-- All pairs of points closer than the radius, found through cells of a grid in three dimensions: no pole, no edge at RA 0.
-- Given: build and probe (row_number, x, y, z, vx, vy, vz, years, reach), the cell size and the radius as a chord.
-- Each build point is put into every cell that its sphere of search touches, each probe point into its own cell.
with

bounds as (

    select
        *,
        1 / sqrt(x * x + y * y + z * z) as scale,
        cast(floor((x * scale - reach + 2) / getvariable('cell_size')) as bigint) as x_low,
        cast(floor((x * scale + reach + 2) / getvariable('cell_size')) as bigint) as x_high,
        cast(floor((y * scale - reach + 2) / getvariable('cell_size')) as bigint) as y_low,
        cast(floor((y * scale + reach + 2) / getvariable('cell_size')) as bigint) as y_high,
        cast(floor((z * scale - reach + 2) / getvariable('cell_size')) as bigint) as z_low,
        cast(floor((z * scale + reach + 2) / getvariable('cell_size')) as bigint) as z_high
    from build

),

spread_x as (

    select *, unnest(range(x_low, x_high + 1)) as cell_x from bounds

),

spread_y as (

    select *, unnest(range(y_low, y_high + 1)) as cell_y from spread_x

),

build_cells as (

    select
        row_number, x, y, z, vx, vy, vz, years,
        (cell_x << 42) | (cell_y << 21) | unnest(range(z_low, z_high + 1)) as cell
    from spread_y

),

probe_cells as (

    select
        row_number, x, y, z, vx, vy, vz, years,
        1 / sqrt(x * x + y * y + z * z) as scale,
        (cast(floor((x * scale + 2) / getvariable('cell_size')) as bigint) << 42)
        | (cast(floor((y * scale + 2) / getvariable('cell_size')) as bigint) << 21)
        | cast(floor((z * scale + 2) / getvariable('cell_size')) as bigint) as cell
    from probe

),

meet as (

    select
        build_cells.row_number as build_row,
        probe_cells.row_number as probe_row,
        build_cells.years + probe_cells.years as span,
        build_cells.x + build_cells.vx * span as ux,
        build_cells.y + build_cells.vy * span as uy,
        build_cells.z + build_cells.vz * span as uz,
        probe_cells.x + probe_cells.vx * span as wx,
        probe_cells.y + probe_cells.vy * span as wy,
        probe_cells.z + probe_cells.vz * span as wz,
        1 / sqrt(ux * ux + uy * uy + uz * uz) as u,
        1 / sqrt(wx * wx + wy * wy + wz * wz) as w,
        pow(ux * u - wx * w, 2) + pow(uy * u - wy * w, 2) + pow(uz * u - wz * w, 2) as chord2
    from probe_cells
    inner join build_cells using (cell)

)

select
    build_row,
    probe_row,
    2 * asin(sqrt(chord2) / 2) * 6.48e5 / pi() as separation_arcsec
from meet
where chord2 <= pow(getvariable('chord'), 2)
