"""libra-edge: runs Libra-VLA policies on a robot arm, side by side on one small computer."""

__version__ = "0.1.0"
