"""Turns a landing of Parquet parts into what the loopback archives serve: table descriptors, rows to copy, bulk files."""
