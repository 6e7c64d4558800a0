"""The one place that imports MuJoCo."""

from __future__ import annotations

import os

from libra_edge.errors import MissingDependencyError

# Ray casting needs no OpenGL; left to itself MuJoCo would look for a display library.
os.environ.setdefault("MUJOCO_GL", "disabled")

try:
    import mujoco
    from mujoco import MjData, MjModel
except ImportError as _error:
    raise MissingDependencyError("mujoco", "the simulated arm needs it: pip install 'libra-edge[sim]'") from _error

__all__ = ["MjData", "MjModel", "mujoco"]
