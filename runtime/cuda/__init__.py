"""Streams, memory and graphs of one GPU, below TensorRT and knowing nothing of it."""
