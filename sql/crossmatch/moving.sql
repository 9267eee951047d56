-- Left points carried to the reference epoch; `drift` is how far each may move from there to the epoch of a right point.
select
    row_number,
    x + vx * coalesce(getvariable('reference_epoch') - epoch, 0) as x,
    y + vy * coalesce(getvariable('reference_epoch') - epoch, 0) as y,
    z + vz * coalesce(getvariable('reference_epoch') - epoch, 0) as z,
    vx,
    vy,
    vz,
    0.0::double as years,
    sqrt(vx * vx + vy * vy + vz * vz) * getvariable('epoch_spread') as drift,
    greatest(getvariable('reach'), getvariable('chord') + drift * 1.01) as reach
from left_vectors
