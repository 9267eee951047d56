-- Each point of the side that is copied, once for every cell of a grid in three dimensions that its sphere of search touches.
-- A grid in space has no poles and no edge at RA 0. Three numbers of a cell, 21 bits each, make one integer.
-- Given: build (x, y, z, whatever else), the reach of a search, and the size of a cell, more than twice the reach.
with

bounds as (

    select
        *,
        cast(floor((x - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as x_low,
        cast(floor((x + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as x_high,
        cast(floor((y - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as y_low,
        cast(floor((y + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as y_high,
        cast(floor((z - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as z_low,
        cast(floor((z + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as z_high
    from build

)

select
    bounds.* exclude (x_low, x_high, y_low, y_high, z_low, z_high),
    ((x_low + along_x.step) << 42) | ((y_low + along_y.step) << 21) | (z_low + along_z.step) as cell
from bounds
cross join range(2) as along_x (step)
cross join range(2) as along_y (step)
cross join range(2) as along_z (step)
where x_low + along_x.step <= x_high and y_low + along_y.step <= y_high and z_low + along_z.step <= z_high
