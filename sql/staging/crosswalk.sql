-- Sources of an earlier release of Gaia near each source of this one, each pair once; distances in mas.
select distinct
    source_id,
    earlier_source_id,
    angular_distance,
    magnitude_difference,
    probable_match
from read_parquet($files, hive_partitioning = false)
