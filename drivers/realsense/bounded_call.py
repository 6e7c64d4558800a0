"""Calls into librealsense that may never come back, as those on an unplugged camera sometimes do."""

from __future__ import annotations

import threading
from collections.abc import Callable


def returns_within(seconds: float, call: Callable[[], None], name: str) -> bool:
    """Whether `call` came back in time; it runs in a thread of its own, which is left behind if it did not.

    Only for calls that release Python's lock: `rs.sensor.open`, `stop` and `close` do.
    """
    thread = threading.Thread(target=call, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()
