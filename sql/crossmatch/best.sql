-- The nearest right row of each left row, and how far it can be trusted.
-- Reliability is the chance that a pair this close is no chance pair, from the density of right rows around the left ones
-- (Sutherland & Saunders 1992, with a Rayleigh error of 0.15 arcsec): L / (L + density).
-- Given: pairs (left_row, right_row, separation_arcsec), left_side and right_side (row_number, identifier).
with

ranked as (

    select
        *,
        row_number() over (partition by left_row order by separation_arcsec, right_row) as left_rank,
        row_number() over (partition by right_row order by separation_arcsec, left_row) as right_rank,
        count(*) over (partition by left_row) as num_neighbours
    from pairs

),

nearest as (

    select * from ranked where left_rank = 1

),

density as (

    -- chance neighbours beyond the first, per square arcsec of the searched circles; at least one, so that it is never zero
    select
        greatest(1, sum(num_neighbours - 1)) / (count(*) * pi() * pow(getvariable('radius_arcsec'), 2)) as per_arcsec2
    from nearest

)

select
    left_side.identifier as left_identifier,
    right_side.identifier as right_identifier,
    nearest.separation_arcsec,
    cast(nearest.num_neighbours as integer) as num_neighbours,
    nearest.right_rank = 1 as is_mutual_best,
    1 / (1 + density.per_arcsec2 * 2 * pi() * pow(0.15, 2) * exp(pow(nearest.separation_arcsec / 0.15, 2) / 2))
        as reliability
from nearest
cross join density
inner join left_side on nearest.left_row = left_side.row_number
inner join right_side on nearest.right_row = right_side.row_number
