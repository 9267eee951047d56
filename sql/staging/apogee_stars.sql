-- APOGEE's stars on the sky: repeated rows of a star are one. The position is that of 2MASS, about epoch 2000.
select
    apogee_id,
    any_value(ra) as ra,
    any_value(dec) as dec
from staging.apogee
group by apogee_id
order by apogee_id
