-- Each point of the side that is copied, once for every cell of a grid in three dimensions that its sphere of search touches.
-- A grid in space has no poles and no edge at RA 0. Three numbers of a cell, 21 bits each, make one integer; coordinates are
-- shifted by 2, for a negative number would spill into the bits of its neighbours.
-- Given: build (x, y, z, whatever else), the reach of a search as a chord of the unit sphere, and the size of a cell, more than
-- twice the reach.
with

bounds as (

    select
        *,
        cast(floor((x - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as x_low,
        cast(floor((y - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as y_low,
        cast(floor((z - getvariable('reach') + 2) / getvariable('cell_size')) as bigint) as z_low,
        cast(floor((x + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) - x_low as x_more,
        cast(floor((y + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) - y_low as y_more,
        cast(floor((z + getvariable('reach') + 2) / getvariable('cell_size')) as bigint) - z_low as z_more
    from build

),

steps as (

    -- A sphere touches one cell or two along each axis: no more (0) means one row of the table, one more (1) means two.
    -- Joined on how many more there are, every point is copied once (1 x 1 x 1) to eight times (2 x 2 x 2).
    select
        x_more,
        y_more,
        z_more,
        (cast(along_x.step as bigint) << 42) | (cast(along_y.step as bigint) << 21) | along_z.step as step
    from (values (0, 0), (1, 0), (1, 1)) as along_x (x_more, step)
    cross join (values (0, 0), (1, 0), (1, 1)) as along_y (y_more, step)
    cross join (values (0, 0), (1, 0), (1, 1)) as along_z (z_more, step)

)

select
    bounds.* exclude (x_low, x_more, y_low, y_more, z_low, z_more),
    ((x_low << 42) | (y_low << 21) | z_low) + steps.step as cell
from bounds
inner join steps using (x_more, y_more, z_more)
