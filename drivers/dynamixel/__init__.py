"""Dynamixel Protocol 2.0: codec, control tables, bus and the Koch arm."""
