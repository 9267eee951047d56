"""The simulated sky: physics and surveys' flaws, nothing of files."""
