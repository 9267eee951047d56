"""The model: network, sampler, training and inference; torch and numpy alone."""

import os

# Threads that wait by spinning make a training several times slower on a machine that does anything else besides: a passive
# wait gives the core back. OpenMP reads the variable once, when torch loads it, so it is set before any import of torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
