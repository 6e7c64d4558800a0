"""Where the milliseconds go: stages, layers, limits of the machine, and how they are shown."""
