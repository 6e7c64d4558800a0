"""Every conformance check there is."""

from __future__ import annotations

from tests.dynamixel.conformance.access import access, answers
from tests.dynamixel.conformance.groups import groups
from tests.dynamixel.conformance.instructions import single
from tests.dynamixel.conformance.motion import motion
from tests.dynamixel.conformance.protection import shutdown, watchdog

CHAPTERS = (single, groups, answers, access, motion, watchdog, shutdown)
CHECKS = [check for chapter in CHAPTERS for check in chapter.checks]
