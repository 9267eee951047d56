"""The model: network, sampler, training and inference; torch and numpy alone."""

import os

# Threads that wait by spinning make a training several times slower on a machine that does anything else besides. OpenMP
# reads this when torch loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
