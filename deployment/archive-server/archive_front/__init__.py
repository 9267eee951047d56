"""A thin front of DaCHS that speaks the dialects of the archives and fails on demand.  Standard library only."""
