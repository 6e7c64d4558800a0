"""Switches that a hand can reach: each tells the servo process when it is pressed."""
