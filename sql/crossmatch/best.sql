-- The nearest right row of each left row, and how far it can be trusted.
-- Reliability is the probability that a pair this close is no chance pair (Sutherland & Saunders 1992, MNRAS 259, 413):
-- L / (L + n) with L the density at this separation for the position errors of both, and n that of the right rows around, both
-- per square arcsec.
-- Given: pairs (left_row, right_row, separation_arcsec), left_side and right_side (row_number, identifier, error_arcsec), and
-- right_positions (row_number, ra and dec in deg).
with

ranked as (

    -- of two equally near rows the smaller row number comes first: the choice never depends on the order of the work
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

surroundings as (

    -- fields of equal area everywhere, for they are cut in RA and in sin(dec); a quarter of a degree wide at the equator
    select
        row_number,
        count(*) over (
            partition by floor((ra + 360) % 360 / 0.25), floor(degrees(sin(radians(dec))) / 0.25)
        ) / pow(0.25 * 3600, 2) as per_arcsec2
    from right_positions
    where isfinite(ra) and isfinite(dec)

),

compared as (

    -- a row whose error is not known has 0.1 arcsec. Errors add up in quadrature; the density of separations in two dimensions
    -- is a Gaussian of that variance, so it is divided by 2 pi times the variance, not by its root
    select
        nearest.*,
        left_side.identifier as left_identifier,
        right_side.identifier as right_identifier,
        surroundings.per_arcsec2,
        pow(coalesce(left_side.error_arcsec, 0.1), 2) + pow(coalesce(right_side.error_arcsec, 0.1), 2) as variance,
        exp(-pow(nearest.separation_arcsec, 2) / (2 * variance)) / (2 * pi() * variance) as likelihood
    from nearest
    inner join left_side on nearest.left_row = left_side.row_number
    inner join right_side on nearest.right_row = right_side.row_number
    inner join surroundings on nearest.right_row = surroundings.row_number

)

select
    left_identifier,
    right_identifier,
    separation_arcsec,
    cast(num_neighbours as integer) as num_neighbours,
    right_rank = 1 as is_mutual_best,
    likelihood / (likelihood + per_arcsec2) as reliability
from compared
