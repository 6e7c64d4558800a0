"""The third fence: the state machine over the servo loop, as one table.

Pure: what happens is an `Event`, what follows is a `Transition`; the servo loop carries the reaction out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class State(str, enum.Enum):
    """Where the servo process stands."""

    OFF = "off"
    READY = "ready"
    HOMING = "homing"
    RUNNING = "running"
    HOLDING = "holding"
    STOPPING = "stopping"
    FAULT = "fault"


class Event(str, enum.Enum):
    """What can happen."""

    TORQUE_ON = "torque on"
    ARRIVED = "arrived"
    START = "start"
    HOLD = "hold"
    STOP = "stop"
    ABORT = "abort"
    TASK = "task"
    CHUNK = "chunk"
    CHUNKS_STOPPED = "chunks stopped"
    POLICY_GONE = "policy gone"
    BUS_FAULT = "bus fault"


class Reaction(str, enum.Enum):
    """What the servo loop does about it."""

    NOTHING = "carry on"
    HOME = "move slowly to the rest pose"
    STAND = "slow down to a standstill; the next fresh chunk is followed"
    PAUSE = "slow down to a standstill; chunks are ignored until start"
    FOLLOW = "follow chunks, ramping from the present goal"
    FLUSH = "drop every chunk received so far and stand until the next"
    PARK = "slow down to a standstill, then what --on-exit says"
    LEAVE = "end the process as --on-exit says"
    LEAVE_HOLDING = "end the process at once, torque on"
    FREEZE = "slow down to a standstill as far as the bus obeys, then end the process, torque on"


@dataclass(frozen=True, slots=True)
class Transition:
    """The state that follows, and what to do on the way."""

    state: State
    reaction: Reaction


def _table() -> dict[tuple[State, Event], Transition]:
    s, e, r = State, Event, Reaction
    alive = (s.READY, s.HOMING, s.RUNNING, s.HOLDING, s.STOPPING)
    table = {
        (s.OFF, e.TORQUE_ON): Transition(s.HOMING, r.HOME),
        (s.HOMING, e.ARRIVED): Transition(s.READY, r.PAUSE),
        (s.READY, e.START): Transition(s.RUNNING, r.FOLLOW),
        (s.HOLDING, e.START): Transition(s.RUNNING, r.FOLLOW),
        (s.RUNNING, e.START): Transition(s.RUNNING, r.NOTHING),
        (s.RUNNING, e.CHUNKS_STOPPED): Transition(s.HOLDING, r.STAND),
        (s.HOLDING, e.CHUNK): Transition(s.RUNNING, r.FOLLOW),
        (s.RUNNING, e.TASK): Transition(s.RUNNING, r.FLUSH),
        (s.HOLDING, e.TASK): Transition(s.HOLDING, r.FLUSH),
        (s.READY, e.TASK): Transition(s.READY, r.NOTHING),
        (s.HOMING, e.TASK): Transition(s.HOMING, r.NOTHING),
        (s.STOPPING, e.ARRIVED): Transition(s.OFF, r.LEAVE),
        (s.STOPPING, e.STOP): Transition(s.STOPPING, r.NOTHING),
        (s.STOPPING, e.POLICY_GONE): Transition(s.STOPPING, r.NOTHING),
        (s.OFF, e.STOP): Transition(s.OFF, r.LEAVE_HOLDING),
        (s.OFF, e.ABORT): Transition(s.OFF, r.LEAVE_HOLDING),
        (s.OFF, e.POLICY_GONE): Transition(s.OFF, r.LEAVE_HOLDING),
        (s.FAULT, e.STOP): Transition(s.FAULT, r.NOTHING),
        (s.FAULT, e.HOLD): Transition(s.FAULT, r.NOTHING),
        (s.FAULT, e.POLICY_GONE): Transition(s.FAULT, r.NOTHING),
        (s.FAULT, e.ARRIVED): Transition(s.FAULT, r.LEAVE_HOLDING),
        (s.FAULT, e.ABORT): Transition(s.FAULT, r.LEAVE_HOLDING),
        (s.FAULT, e.BUS_FAULT): Transition(s.FAULT, r.LEAVE_HOLDING),
    }
    for state in alive:
        table[state, e.HOLD] = Transition(s.HOLDING, r.PAUSE)
        table[state, e.ABORT] = Transition(s.OFF, r.LEAVE_HOLDING)
        table[state, e.BUS_FAULT] = Transition(s.FAULT, r.FREEZE)
        table.setdefault((state, e.STOP), Transition(s.STOPPING, r.PARK))
        table.setdefault((state, e.POLICY_GONE), Transition(s.HOLDING, r.PAUSE))
    return table


TRANSITIONS: Mapping[tuple[State, Event], Transition] = MappingProxyType(_table())
"""Every pair that may happen; any other is refused."""


def next_transition(state: State, event: Event) -> Transition | None:
    """What follows from `event` in `state`; None: it is refused, and nothing changes."""
    return TRANSITIONS.get((state, event))
