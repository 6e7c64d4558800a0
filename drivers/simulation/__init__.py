"""The simulated Koch arm: world, ray-cast cameras, servos on a pseudo-terminal."""
