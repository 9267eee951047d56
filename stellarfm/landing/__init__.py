"""The landing: immutable Parquet parts with manifests, what their columns are, and what is missing."""
