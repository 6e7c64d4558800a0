"""The emulated bus behind a pseudo-terminal: any Dynamixel program can open its port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from libra_edge.clock import MonotonicClock
from libra_edge.drivers.dynamixel import register as r
from libra_edge.drivers.dynamixel.frame import Frame
from libra_edge.drivers.dynamixel.instruction_set import Opcode
from libra_edge.drivers.dynamixel.parser import FrameParser
from libra_edge.drivers.dynamixel.register import Register
from libra_edge.drivers.simulation.servos.control_table import BAUDS
from libra_edge.drivers.simulation.servos.emulated_bus import Answer, EmulatedBus
from libra_edge.drivers.simulation.servos.emulated_servo import EmulatedServo
from libra_edge.drivers.simulation.servos.ledger import Ledger
from libra_edge.drivers.simulation.servos.packet_faults import Transmit
from libra_edge.drivers.simulation.servos.plant import ServoPlant
from libra_edge.drivers.simulation.servos.pseudo_terminal import PseudoTerminal
from libra_edge.drivers.simulation.servos.servo_spec import ServoSpec
from libra_edge.drivers.simulation.servos.wire_pace import WirePace
from libra_edge.protocols import Clock


class ServoBusEmulator:
    """Servos that speak Protocol 2.0 on `port`.

    Either `start()` a thread that serves until `stop()` (`with` does both), or call `serve(timeout_s)` again
    and again from one thread. Calls to the plant come from there, from the constructor, from `servos` and from
    `raise_hardware_error`, never two at a time.

    Attributes:
        port: device path for the host to open.
        ledger: what came over the wire; complete after `stop()`.
        transmit: what happens to status packets on their way; may be changed at any time.
    """

    def __init__(
        self,
        servos: Sequence[ServoSpec],
        plant: ServoPlant,
        clock: Clock | None = None,
        baud: int = 1_000_000,
        *,
        transmit: Transmit = bytes,
        pace: WirePace | None = None,
    ) -> None:
        """`baud`: what stands in the servos' register 8 at first; a servo does not understand a host at another speed.

        `pace`: packets take as long as on that wire, and servos their return delay; without one no time passes.
        """
        self.ledger = Ledger()
        self._clock = clock or MonotonicClock()
        self._servos = {spec.servo_id: EmulatedServo(spec, plant, self._clock) for spec in servos}
        for servo in self._servos.values():
            servo[r.BAUD] = BAUDS.index(baud)
        self._bus = EmulatedBus(self._servos, self._clock, self.ledger)
        self._pace = pace
        self.transmit = transmit
        self._parser = FrameParser()
        self._delayed: list[tuple[float, bytes]] = []
        self._lock = threading.RLock()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._terminal = PseudoTerminal()
        self.port = self._terminal.port

    def start(self) -> None:
        """Serve from a thread of its own until `stop()`."""
        self._thread = threading.Thread(target=self._serve_until_stopped, name="servo-bus", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and unplug the port; may be called twice."""
        if self._thread is not None:
            self._stopping = True
            self._terminal.wake()
            self._thread.join()
            self._thread = None
        with self._lock:
            self._terminal.close()

    def __enter__(self) -> ServoBusEmulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def serve(self, timeout_s: float | None = None) -> None:
        """Wait for bytes, at most until a watchdog is due or `timeout_s` has passed, and answer them.

        A silence is what had lasted too long before we looked: what has come since is heard the next time.
        """
        with self._lock:
            patience_s = self._patience_s(timeout_s)
            looked_ns = self._clock.now_ns()
        data = self._terminal.receive(patience_s)
        heard_ns = time.monotonic_ns()
        if data:
            self._answer(data, heard_ns)
        with self._lock:
            self._bus.trip_watchdogs(looked_ns)

    def send(self, data: bytes) -> None:
        """Put bytes on the wire that nobody asked for: noise, or an answer that comes late. Safe from any thread."""
        self._send_after_overdue(data, time.monotonic())

    def send_later(self, data: bytes, by_s: float) -> None:
        """Put bytes on the wire in `by_s` seconds, before any that are sent after that time. Safe from any thread."""
        due_s = time.monotonic() + by_s
        with self._lock:
            self._delayed.append((due_s, data))
        timer = threading.Timer(by_s, self._send_after_overdue, [b"", due_s])
        timer.daemon = True
        timer.start()

    @contextmanager
    def servos(self) -> Iterator[dict[int, EmulatedServo]]:
        """The servos by id in the order of the wire, while nobody else touches them; safe from any thread.

        One that is taken out hears and answers nothing. Whoever comes back after too long a silence has stopped.
        """
        with self._lock:
            yield self._servos
            self._bus.trip_watchdogs()

    def raise_hardware_error(self, servo_id: int, error: int) -> None:
        """Set bits in a servo's hardware error status (register 70); safe from any thread."""
        with self._lock:
            self._servos[servo_id].raise_hardware_error(error)

    def peek(self, servo_id: int, register: Register) -> int:
        """What stands in a servo's register, without the bus; safe from any thread."""
        with self._lock:
            return self._servos[servo_id][register]

    def _serve_until_stopped(self) -> None:
        while not self._stopping:
            self.serve()

    def _answer(self, data: bytes, heard_ns: int) -> None:
        baud = self._terminal.host_baud()
        for frame in self._parsed(data, baud):
            with self._lock:
                if frame.opcode != Opcode.STATUS:
                    self._bus.hear(baud)  # bytes that were there when we looked: how late we looked is not their fault
                answers = self._bus.respond(frame, baud)
            if self._pace is not None:
                self._pace.heard(len(frame.raw), baud, heard_ns)
            for answer in answers:
                if self._pace is None:
                    self.send(self.transmit(answer.packet))
                else:
                    self._send_paced(answer, self._pace, baud)

    def _send_paced(self, answer: Answer, pace: WirePace, baud: int) -> None:
        """What each servo says arrives when it has passed the wire; nothing from elsewhere comes in between."""
        first, *others = [slice(start, end) for start, end in pairwise((0, *answer.seams, None))]
        pace.wait(len(answer.packet[first]), baud, answer.delay_us)
        arriving = self.transmit(answer.packet)
        with self._lock:
            self.send(arriving[first])
            for block in others:
                pace.wait(len(answer.packet[block]), baud, 0)
                self._terminal.send(arriving[block])

    def _send_after_overdue(self, data: bytes, now_s: float) -> None:
        """However late the thread of a delayed packet wakes: a wire lets nothing overtake."""
        with self._lock:
            for overdue in [one for one in self._delayed if one[0] <= now_s]:
                self._delayed.remove(overdue)
                self._terminal.send(overdue[1])
            if data:
                self._terminal.send(data)

    def _parsed(self, data: bytes, baud: int) -> list[Frame]:
        """At a speed at which nobody listens there are no packets, only noise."""
        with self._lock:
            understood = any(servo.baud == baud for servo in self._servos.values())
        if not understood:
            self._parser.clear()
            return []
        frames = self._parser.feed(data)
        self.ledger.corrupt = self._parser.corrupt
        return frames

    def _patience_s(self, timeout_s: float | None) -> float | None:
        due_ns = self._bus.next_trip_ns()
        if due_ns is None:
            return timeout_s
        until_trip_s = max(0, due_ns - self._clock.now_ns()) / 1e9
        return until_trip_s if timeout_s is None else min(timeout_s, until_trip_s)
