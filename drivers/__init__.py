"""The wire: Dynamixel, RealSense, and their simulated counterparts."""
