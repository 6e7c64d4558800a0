"""Calibration of the arm (offsets, ranges), of the camera (its place) and of the numbers (samples for INT8 ranges)."""
