-- Each point of the side that is streamed, in the one cell that it lies in; numbered as in build_cells.
-- Given: probe (x, y, z, whatever else) and the cell size.
select
    *,
    (cast(floor((x + 2) / getvariable('cell_size')) as bigint) << 42)
    | (cast(floor((y + 2) / getvariable('cell_size')) as bigint) << 21)
    | cast(floor((z + 2) / getvariable('cell_size')) as bigint) as cell
from probe
