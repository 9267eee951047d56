-- Mean XP spectra of Gaia: lists of as many coefficients as the release has (DuckDB 2.0 loses arrays of fixed length in a left join).
select
    source_id,
    cast(bp_coefficients as float[]) as bp_coefficients,
    cast(bp_coefficient_errors as float[]) as bp_coefficient_errors,
    bp_n_relevant_bases,
    cast(rp_coefficients as float[]) as rp_coefficients,
    cast(rp_coefficient_errors as float[]) as rp_coefficient_errors,
    rp_n_relevant_bases
from read_parquet($files, hive_partitioning = false)
