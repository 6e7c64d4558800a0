"""The servo side of the runtime."""
