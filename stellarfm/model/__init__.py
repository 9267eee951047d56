"""The model: network, sampler, training and inference; torch and numpy alone."""
