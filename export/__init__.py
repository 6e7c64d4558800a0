"""Model directory -> bundle: quantise, verify, write."""
