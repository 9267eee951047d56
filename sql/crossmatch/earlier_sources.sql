-- What each source was in the earlier release: the same star then, and every source of then that is this star now. A star that was
-- split has the same one as its other half; one that was two has both.
select
    source_id,
    max(earlier_source_id) filter (where rank_of_earlier = 1) as earlier_source_id,
    list(earlier_source_id order by earlier_source_id) filter (where rank_of_earlier = 1 or rank_of_later = 1)
        as earlier_source_ids
from crossmatch.crosswalk_pairs
group by source_id
