-- Parallax zero point of each source as the archive itself gives it, in mas: to be subtracted from the parallax.
select
    source_id,
    parallax_zero_point as zero_point_mas
from staging.gaia_source
where parallax_zero_point is not null
