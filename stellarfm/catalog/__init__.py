"""Releases: written once, read by many."""
