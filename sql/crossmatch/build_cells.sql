-- Each point of the side that is copied, once for every cell of a grid in three dimensions that its sphere of search touches.
-- A grid in space has no poles and no edge at RA 0. Three numbers of a cell, 21 bits each, make one integer.
-- Given: build (x, y, z, reach, whatever else) and the cell size.
with

bounds as (

    select
        *,
        cast(floor((x - reach + 2) / getvariable('cell_size')) as bigint) as x_low,
        cast(floor((x + reach + 2) / getvariable('cell_size')) as bigint) as x_high,
        cast(floor((y - reach + 2) / getvariable('cell_size')) as bigint) as y_low,
        cast(floor((y + reach + 2) / getvariable('cell_size')) as bigint) as y_high,
        cast(floor((z - reach + 2) / getvariable('cell_size')) as bigint) as z_low,
        cast(floor((z + reach + 2) / getvariable('cell_size')) as bigint) as z_high
    from build

),

spread_x as (

    select *, unnest(range(x_low, x_high + 1)) as cell_x from bounds

),

spread_y as (

    select *, unnest(range(y_low, y_high + 1)) as cell_y from spread_x

)

select
    * exclude (reach, x_low, x_high, y_low, y_high, z_low, z_high, cell_x, cell_y),
    (cell_x << 42) | (cell_y << 21) | unnest(range(z_low, z_high + 1)) as cell
from spread_y
