-- Pairs of a source and one of the earlier release with their rank from either side: 1 is the same star (neighbour_order).
select
    source_id,
    earlier_source_id,
    row_number() over (
        partition by source_id
        order by neighbour_order(probable_match, angular_distance, magnitude_difference, earlier_source_id)
    ) as rank_of_earlier,
    row_number() over (
        partition by earlier_source_id
        order by neighbour_order(probable_match, angular_distance, magnitude_difference, source_id)
    ) as rank_of_later,
    count(*) over (partition by earlier_source_id) as num_later
from staging.crosswalk
