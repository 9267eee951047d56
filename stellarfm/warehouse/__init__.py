"""The warehouse: a DuckDB file that is built from the landing by the SQL of ``sql/``."""
