"""How much the simulated sky is like the real one: comparisons, figures and a report."""
