"""Reddening: maps of the dust, draws over the parallax error, and the reddening table of the landing."""
