"""Brings servos that fell silent, restarted or stopped obeying back under torque where they stand, a few ms at a time.

Round after round: open the port, look at every servo, set up again those that restarted or whose watchdog tripped.
What already stands under torque with its watchdog armed is left as it is. When all are found so in one
round, it is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.bus import Bus
from libra_edge.drivers.dynamixel.frame import Status
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.dynamixel.servo_settings import ServoSettings
from libra_edge.drivers.dynamixel.servo_setup import OVERLOAD, standing_error, volatile_orders
from libra_edge.errors import BusError, HardwareAlertError, MissingHardwareError, NoAnswerError, PortError

HEALTH = (r.TORQUE_ENABLE.address, r.BUS_WATCHDOG.end - r.TORQUE_ENABLE.address)
"""Torque, hardware error and watchdog, in one block."""
FENCES = (r.BUS_WATCHDOG.address, r.GOAL_POSITION.end - r.BUS_WATCHDOG.address)
"""Watchdog, profile velocity and goal, in one block."""


class ServoRecovery:
    """One recovery of the servos given.

    Attributes:
        standing: ids of the servos that obey: under torque, watchdog armed.
        ticks: id -> the tick at which a servo was told to stand when it was set up again.
    """

    def __init__(
        self,
        bus: Bus,
        servos: Sequence[ServoSettings],
        watchdog: int,
        exchange_s: float,
        note_tick: Callable[[int, int], None],
        *,
        reboot_overloaded: bool = False,
    ) -> None:
        """`watchdog` in register units; an answer is awaited for `exchange_s`.

        `note_tick` is told id and present tick of a servo that has restarted, before it gets torque.
        `reboot_overloaded`: restart a servo that stands in an overload and in nothing else.
        """
        self.standing: set[int] = set()
        self.ticks: dict[int, int] = {}
        self._bus, self._servos, self._watchdog = bus, servos, watchdog
        self._exchange_s, self._note_tick = exchange_s, note_tick
        self._reboot_overloaded = reboot_overloaded
        self._silent_since_ns: dict[str, int] = {}
        self._problem = "the servos have not been looked for yet"
        self._work = self._steps()

    def step(self, seconds: float) -> bool:
        """Begin exchanges for `seconds`, one at least; True once every servo obeys. Raises HardwareAlertError."""
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        try:
            while True:
                with self._bus.within(self._exchange_s, attempts=1):
                    if next(self._work, "done") == "done":
                        return True
                if time.monotonic_ns() >= until_ns:
                    return False
        except HardwareAlertError:
            raise
        except (PortError, MissingHardwareError) as fault:
            self._bus.port.close()
            self._begin_again(str(fault))
        except BusError as fault:
            self._begin_again(str(fault))
        return False

    def missing(self) -> str:
        """What is still wrong, in one clause: which servos are silent and since when, or what the port's trouble is."""
        if not self._silent_since_ns:
            return self._problem
        now_ns = time.monotonic_ns()
        silent = [f"{label} for {(now_ns - since) / 1e9:.1f} s" for label, since in self._silent_since_ns.items()]
        return f"no answer from {', '.join(silent)}"

    def _begin_again(self, problem: str) -> None:
        self._problem = problem
        self._work = self._steps()

    def _steps(self) -> Iterator[None]:
        """One exchange between every two yields."""
        if not self._bus.port.is_open:
            self._silent_since_ns.clear()
            self.standing.clear()
            self._bus.port.open()
            yield
        while True:
            found: dict[int, Status] = {}
            yield from self._look_at_all(found)
            if len(found) < len(self._servos):
                continue
            if all(map(self._obeys, found.values())):
                return
            for servo in self._servos:
                if not self._obeys(found[servo.servo_id]):
                    yield from self._set_up(servo, restarted=not _torque(found[servo.servo_id]))

    def _look_at_all(self, found: dict[int, Status]) -> Iterator[None]:
        """Ask every servo how it is; `found` takes the answers."""
        for servo in self._servos:
            try:
                status = self._bus.read_block(servo.servo_id, *HEALTH)
            except NoAnswerError:
                self._silent_since_ns.setdefault(servo.label, time.monotonic_ns())
                self.standing.discard(servo.servo_id)
            else:
                self._silent_since_ns.pop(servo.label, None)
                if self._reboot_overloaded and _value(status, r.HARDWARE_ERROR) == OVERLOAD:
                    yield
                    self._bus.reboot(servo.servo_id)
                    self.standing.discard(servo.servo_id)
                else:
                    self._check_health(servo, status)
                    found[servo.servo_id] = status
            yield

    def _check_health(self, servo: ServoSettings, status: Status) -> None:
        error = _value(status, r.HARDWARE_ERROR)
        if error:
            raise standing_error(servo, error)
        if self._obeys(status):
            self.standing.add(servo.servo_id)
        else:
            self.standing.discard(servo.servo_id)

    def _obeys(self, status: Status) -> bool:
        return _torque(status) and _value(status, r.BUS_WATCHDOG) == self._watchdog

    def _set_up(self, servo: ServoSettings, *, restarted: bool) -> Iterator[None]:
        """As `KochArm.enable_torque` does: registers, goal at the present tick, watchdog, then torque."""
        for register, value in [(r.BUS_WATCHDOG, 0), *volatile_orders(servo)]:
            self._bus.write(servo.servo_id, register, value)
            yield
        tick = self._bus.read(servo.servo_id, r.PRESENT_POSITION)
        if restarted:
            self._note_tick(servo.servo_id, tick)
        self.ticks[servo.servo_id] = tick
        for register, value in [(r.GOAL_POSITION, tick), (r.BUS_WATCHDOG, self._watchdog)]:
            yield
            self._bus.write(servo.servo_id, register, value)
        yield
        self._check_fences(servo, tick)
        yield
        self._bus.write(servo.servo_id, r.TORQUE_ENABLE, 1)
        yield

    def _check_fences(self, servo: ServoSettings, tick: int) -> None:
        """Read back what must stand in a servo before it gets torque. Raises BusError."""
        fences = self._bus.read_block(servo.servo_id, *FENCES)
        expected = {r.BUS_WATCHDOG: self._watchdog, r.PROFILE_VELOCITY: servo.profile_velocity, r.GOAL_POSITION: tick}
        for register, value in expected.items():
            if (found := _value(fences, register, FENCES)) != value:
                raise BusError(f"{servo.label} has {found} as its {register.name} instead of {value}")


def _torque(status: Status) -> bool:
    return _value(status, r.TORQUE_ENABLE) == 1


def _value(status: Status, register: Register, block: tuple[int, int] = HEALTH) -> int:
    start = register.address - block[0]
    return register.decode(status.parameters[start : start + register.size])
