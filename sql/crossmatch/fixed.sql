-- Right points as they are, with the years from the reference epoch to their own.
select
    row_number,
    x,
    y,
    z,
    0.0::double as vx,
    0.0::double as vy,
    0.0::double as vz,
    coalesce(epoch - getvariable('reference_epoch'), 0) as years,
    getvariable('reach') as reach
from right_vectors
