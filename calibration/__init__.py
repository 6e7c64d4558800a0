"""Calibration of the arm (offsets, ranges) and of the numbers (real samples for INT8 ranges)."""
