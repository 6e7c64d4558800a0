"""RealSense cameras through librealsense, real or software devices alike."""
