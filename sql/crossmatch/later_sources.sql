-- Where each source of the earlier release is now, and among how many neighbours it was chosen.
select
    earlier_source_id,
    source_id,
    num_later as num_neighbours
from crossmatch.crosswalk_pairs
where rank_of_later = 1
