-- Positions as unit vectors with their motion; the motion of a row without proper motion is zero.
-- Given: positions (row_number, ra and dec in deg, pmra and pmdec in mas/yr, epoch in years).
with

positions as (

    select
        row_number,
        radians(ra) as ra,
        radians(dec) as dec,
        coalesce(nullif(cast(pmra as double), 'nan'), 0) * pi() / 6.48e8 as motion_east,
        coalesce(nullif(cast(pmdec as double), 'nan'), 0) * pi() / 6.48e8 as motion_north,
        epoch
    from positions
    where isfinite(ra) and isfinite(dec)

)

select
    row_number,
    epoch,
    cos(dec) * cos(ra) as x,
    cos(dec) * sin(ra) as y,
    sin(dec) as z,
    -sin(ra) * motion_east - sin(dec) * cos(ra) * motion_north as vx,
    cos(ra) * motion_east - sin(dec) * sin(ra) * motion_north as vy,
    cos(dec) * motion_north as vz
from positions
