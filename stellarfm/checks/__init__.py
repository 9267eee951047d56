"""Great Expectations on every table: stop, quarantine, report."""
