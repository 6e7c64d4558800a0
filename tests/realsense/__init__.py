"""Cameras through librealsense."""
