-- Pairs of which each row is the other's nearest; of two equally near ones the smaller row number comes first.
-- Given: pairs (left_row, right_row, separation_arcsec).
select left_row, right_row, separation_arcsec
from pairs
qualify
    row_number() over (partition by left_row order by separation_arcsec, right_row) = 1
    and row_number() over (partition by right_row order by separation_arcsec, left_row) = 1
