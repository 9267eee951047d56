-- Points that move, carried to the reference epoch: unit vectors, with their motion in radians a year as seen from there.
-- Motion is uniform along the tangent, without radial velocity: as astropy applies space motion to stars without distance.
-- Given: positions (row_number, ra and dec in deg, pmra and pmdec in mas/yr, epoch in years), the reference epoch, and how far
-- the epochs of the other side are from it at most. `drift` is how far a point may be from here at such an epoch.
with

directions as (

    -- a motion that is not known is none; 6.48e8 mas are 180 degrees
    select
        row_number,
        radians(ra) as alpha,
        radians(dec) as delta,
        if(isfinite(pmra) and isfinite(pmdec), pmra * pi() / 6.48e8, 0) as east,
        if(isfinite(pmra) and isfinite(pmdec), pmdec * pi() / 6.48e8, 0) as north,
        getvariable('reference_epoch') - epoch as years
    from positions
    where isfinite(ra) and isfinite(dec)

),

motions as (

    -- p: the direction; m: its motion, along the unit vectors to the east (-sin alpha, cos alpha, 0) and to the north
    -- (-sin delta cos alpha, -sin delta sin alpha, cos delta); q: where it is after the years, before it is scaled to length 1
    select
        row_number,
        cos(delta) * cos(alpha) as px,
        cos(delta) * sin(alpha) as py,
        sin(delta) as pz,
        coalesce(-sin(alpha) * east - sin(delta) * cos(alpha) * north, 0) as mx,
        coalesce(cos(alpha) * east - sin(delta) * sin(alpha) * north, 0) as my,
        coalesce(cos(delta) * north, 0) as mz,
        px + mx * years as qx,
        py + my * years as qy,
        pz + mz * years as qz,
        1 / sqrt(qx * qx + qy * qy + qz * qz) as scale
    from directions

)

select
    row_number,
    qx * scale as x,
    qy * scale as y,
    qz * scale as z,
    mx * scale as vx,
    my * scale as vy,
    mz * scale as vz,
    -- never too small: five per cent more than the way along the tangent covers what the curvature of the sphere changes
    1.05 * sqrt(vx * vx + vy * vy + vz * vz) * getvariable('epoch_spread') as drift
from motions
