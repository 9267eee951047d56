-- The nearest right row of each left row; of two equally near ones that with the smaller row number.
-- Given: pairs (left_row, right_row, separation_arcsec).
select left_row, right_row, separation_arcsec
from pairs
qualify row_number() over (partition by left_row order by separation_arcsec, right_row) = 1
