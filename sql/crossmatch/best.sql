-- The best right row of each left row, and how far it can be trusted.
-- Reliability is the chance that a pair this close is no chance pair, from the density of right rows around the left ones
-- (Sutherland & Saunders 1992, with a Rayleigh error of 0.15 arcsec): L / (L + density).
with

best_of_left as (

    select
        left_row,
        arg_min(right_row, separation_arcsec) as right_row,
        min(separation_arcsec) as separation_arcsec,
        count(*) as num_neighbours
    from pairs
    group by left_row

),

best_of_right as (

    select right_row, arg_min(left_row, separation_arcsec) as left_row
    from pairs
    group by right_row

),

density as (

    -- chance neighbours beyond the first, per square arcsec of the searched circles; at least one, so that it is never zero
    select
        greatest(1, sum(num_neighbours - 1)) / (count(*) * pi() * pow(max(separation_arcsec), 2)) as per_arcsec2
    from best_of_left

)

select
    left_side.identifier as left_identifier,
    right_side.identifier as right_identifier,
    best_of_left.separation_arcsec,
    cast(best_of_left.num_neighbours as integer) as num_neighbours,
    best_of_right.left_row = best_of_left.left_row as is_mutual_best,
    1 / (1 + density.per_arcsec2 * 2 * pi() * pow(0.15, 2) * exp(pow(best_of_left.separation_arcsec / 0.15, 2) / 2))
        as reliability
from best_of_left
cross join density
inner join best_of_right on best_of_left.right_row = best_of_right.right_row
inner join left_side on best_of_left.left_row = left_side.row_number
inner join right_side on best_of_left.right_row = right_side.row_number
