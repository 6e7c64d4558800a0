"""Emulated Dynamixel servos: they answer Protocol 2.0 on a pseudo-terminal, a plant behind them moves."""
