"""The simulated robot as a process of its own."""
