-- Where each source of the earlier release is now, and among how many neighbours it was chosen.
select
    earlier_source_id,
    max(source_id) filter (where rank_of_later = 1) as source_id,
    any_value(num_later) as num_neighbours
from crossmatch.crosswalk_pairs
group by earlier_source_id
