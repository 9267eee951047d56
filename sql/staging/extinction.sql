-- Reddening of each source from a map: ln E(B-V) with its error; -7 stands for none.
select
    source_id,
    logebv,
    logebv_error,
    map
from read_parquet($files, hive_partitioning = false)
