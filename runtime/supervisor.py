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
    RECOVERING = "recovering"
    STOPPING = "stopping"
    FAULT = "fault"


class Event(str, enum.Enum):
    """What can happen."""

    TORQUE_ON = "torque on"
    TORQUE_ON_HERE = "torque on without homing"
    ARRIVED = "arrived"
    START = "start"
    HOLD = "hold"
    STOP = "stop"
    ABORT = "abort"
    TASK = "task"
    CHUNK = "chunk"
    CHUNKS_STOPPED = "chunks stopped"
    POLICY_GONE = "policy gone"
    ARM_LOST = "arm lost"
    ARM_BACK = "arm back"
    HOME = "home"
    BUS_FAULT = "bus fault"
    PRESSED = "hardware stop pressed"
    RELEASED = "hardware stop released"


class Reaction(str, enum.Enum):
    """What the servo loop does about it."""

    NOTHING = "carry on"
    HOME = "move slowly to the rest pose"
    STAND = "slow down to a standstill; the next fresh chunk is followed"
    PAUSE = "slow down to a standstill; chunks are ignored until start"
    FOLLOW = "follow chunks, ramping from the present goal"
    FLUSH = "drop every chunk received so far and stand until the next"
    PARK = "slow down to a standstill, then what --on-exit says"
    RECOVER = "slow down to a standstill and look for the servos; then stand; the next fresh chunk is followed"
    RECOVER_TO_HOME = "slow down to a standstill and look for the servos; then home"
    RECOVER_TO_PARK = "slow down to a standstill and look for the servos; then park"
    RESUME = "stand where the arm was found; chunks are followed again if they were before"
    LEAVE = "end the process as --on-exit says"
    LEAVE_HOLDING = "end the process at once, torque on"
    FREEZE = "slow down to a standstill as far as the bus obeys, then end the process, torque on"


@dataclass(frozen=True, slots=True)
class Transition:
    """The state that follows, and what to do on the way."""

    state: State
    reaction: Reaction


_UNDER_TORQUE = (State.READY, State.HOMING, State.RUNNING, State.HOLDING, State.STOPPING)
_WHEREVER_UNDER_TORQUE = {
    Event.HOLD: Transition(State.HOLDING, Reaction.PAUSE),
    Event.STOP: Transition(State.STOPPING, Reaction.PARK),
    Event.POLICY_GONE: Transition(State.HOLDING, Reaction.PAUSE),
    Event.ABORT: Transition(State.OFF, Reaction.LEAVE_HOLDING),
    Event.ARM_LOST: Transition(State.RECOVERING, Reaction.RECOVER),
    Event.BUS_FAULT: Transition(State.FAULT, Reaction.FREEZE),
    Event.PRESSED: Transition(State.HOLDING, Reaction.PAUSE),
}
_IN_PARTICULAR = {
    (State.OFF, Event.TORQUE_ON): Transition(State.HOMING, Reaction.HOME),
    (State.OFF, Event.TORQUE_ON_HERE): Transition(State.HOLDING, Reaction.PAUSE),
    (State.OFF, Event.STOP): Transition(State.OFF, Reaction.LEAVE_HOLDING),
    (State.OFF, Event.ABORT): Transition(State.OFF, Reaction.LEAVE_HOLDING),
    (State.OFF, Event.POLICY_GONE): Transition(State.OFF, Reaction.LEAVE_HOLDING),
    (State.OFF, Event.PRESSED): Transition(State.OFF, Reaction.NOTHING),
    (State.HOMING, Event.ARM_LOST): Transition(State.RECOVERING, Reaction.RECOVER_TO_HOME),
    (State.HOMING, Event.ARRIVED): Transition(State.READY, Reaction.PAUSE),
    (State.HOMING, Event.TASK): Transition(State.HOMING, Reaction.NOTHING),
    (State.READY, Event.START): Transition(State.RUNNING, Reaction.FOLLOW),
    (State.READY, Event.TASK): Transition(State.READY, Reaction.NOTHING),
    (State.RUNNING, Event.START): Transition(State.RUNNING, Reaction.NOTHING),
    (State.RUNNING, Event.TASK): Transition(State.RUNNING, Reaction.FLUSH),
    (State.RUNNING, Event.CHUNKS_STOPPED): Transition(State.HOLDING, Reaction.STAND),
    (State.HOLDING, Event.START): Transition(State.RUNNING, Reaction.FOLLOW),
    (State.HOLDING, Event.TASK): Transition(State.HOLDING, Reaction.FLUSH),
    (State.HOLDING, Event.CHUNK): Transition(State.RUNNING, Reaction.FOLLOW),
    (State.HOLDING, Event.HOME): Transition(State.HOMING, Reaction.HOME),
    (State.RECOVERING, Event.ARM_BACK): Transition(State.HOLDING, Reaction.RESUME),
    (State.RECOVERING, Event.TASK): Transition(State.RECOVERING, Reaction.NOTHING),
    (State.RECOVERING, Event.HOLD): Transition(State.RECOVERING, Reaction.PAUSE),
    (State.RECOVERING, Event.PRESSED): Transition(State.RECOVERING, Reaction.PAUSE),
    (State.RECOVERING, Event.POLICY_GONE): Transition(State.RECOVERING, Reaction.PAUSE),
    (State.RECOVERING, Event.STOP): Transition(State.RECOVERING, Reaction.RECOVER_TO_PARK),
    (State.RECOVERING, Event.ABORT): Transition(State.OFF, Reaction.LEAVE_HOLDING),
    (State.RECOVERING, Event.BUS_FAULT): Transition(State.FAULT, Reaction.FREEZE),
    (State.STOPPING, Event.ARM_LOST): Transition(State.RECOVERING, Reaction.RECOVER_TO_PARK),
    (State.STOPPING, Event.STOP): Transition(State.STOPPING, Reaction.NOTHING),
    (State.STOPPING, Event.POLICY_GONE): Transition(State.STOPPING, Reaction.NOTHING),
    (State.STOPPING, Event.ARRIVED): Transition(State.OFF, Reaction.LEAVE),
    (State.FAULT, Event.STOP): Transition(State.FAULT, Reaction.NOTHING),
    (State.FAULT, Event.HOLD): Transition(State.FAULT, Reaction.NOTHING),
    (State.FAULT, Event.PRESSED): Transition(State.FAULT, Reaction.NOTHING),
    (State.FAULT, Event.POLICY_GONE): Transition(State.FAULT, Reaction.NOTHING),
    (State.FAULT, Event.ARRIVED): Transition(State.FAULT, Reaction.LEAVE_HOLDING),
    (State.FAULT, Event.ABORT): Transition(State.FAULT, Reaction.LEAVE_HOLDING),
    (State.FAULT, Event.BUS_FAULT): Transition(State.FAULT, Reaction.LEAVE_HOLDING),
}
_ANYWHERE = {(state, Event.RELEASED): Transition(state, Reaction.NOTHING) for state in State}
TRANSITIONS: Mapping[tuple[State, Event], Transition] = MappingProxyType(
    {(state, event): follows for state in _UNDER_TORQUE for event, follows in _WHEREVER_UNDER_TORQUE.items()}
    | _IN_PARTICULAR
    | _ANYWHERE
)
"""Every pair that may happen; any other is refused."""


def next_transition(state: State, event: Event) -> Transition | None:
    """What follows from `event` in `state`; None: it is refused, and nothing changes."""
    return TRANSITIONS.get((state, event))
