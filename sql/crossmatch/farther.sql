-- Pairs that are not the nearest of their left row: of two equally near ones that with the larger right row.
-- Most left rows have one pair: only those with more are ranked, which costs a sort.
-- Given: pairs (left_row, right_row, separation_arcsec), with the row ids of a table.
with

crowded as (

    select left_row
    from pairs
    group by left_row
    having count(*) > 1

)

select pairs.rowid as pair
from pairs
where left_row in (select left_row from crowded)
qualify row_number() over (partition by left_row order by separation_arcsec, right_row) > 1
