"""Tests; the folders mirror the stations."""
