-- Points as they are, as unit vectors, with the years from the reference epoch to that of each; NULL where none is known.
-- Given: positions (row_number, ra and dec in deg, epoch in years) and the reference epoch.
select
    row_number,
    cos(radians(dec)) * cos(radians(ra)) as x,
    cos(radians(dec)) * sin(radians(ra)) as y,
    sin(radians(dec)) as z,
    epoch - getvariable('reference_epoch') as years
from positions
where isfinite(ra) and isfinite(dec)
