"""The supervisor's table."""

from __future__ import annotations

import pytest

from libra_edge.runtime.supervisor import TRANSITIONS, Event, Reaction, State, next_transition

ALIVE = (State.READY, State.HOMING, State.RUNNING, State.HOLDING, State.STOPPING)
MOVES = {Reaction.FOLLOW, Reaction.HOME}


@pytest.mark.parametrize("state", ALIVE)
def test_holding_stopping_and_leaving_are_possible_from_every_state_under_torque(state: State) -> None:
    hold, stop, abort = (TRANSITIONS[state, event] for event in (Event.HOLD, Event.STOP, Event.ABORT))
    assert (hold.state, hold.reaction) == (State.HOLDING, Reaction.PAUSE)
    assert stop.state is State.STOPPING
    assert (abort.state, abort.reaction) == (State.OFF, Reaction.LEAVE_HOLDING)


@pytest.mark.parametrize("state", ALIVE)
def test_a_lost_arm_is_looked_for_from_every_state_under_torque(state: State) -> None:
    assert TRANSITIONS[state, Event.ARM_LOST].state is State.RECOVERING


def test_an_arm_that_was_found_again_stands_first() -> None:
    assert TRANSITIONS[State.RECOVERING, Event.ARM_BACK].state is State.HOLDING
    assert next_transition(State.RECOVERING, Event.CHUNK) is None
    assert next_transition(State.RECOVERING, Event.START) is None


@pytest.mark.parametrize("state", [*ALIVE, State.RECOVERING, State.FAULT])
def test_a_bus_fault_leads_to_fault_from_everywhere(state: State) -> None:
    assert TRANSITIONS[state, Event.BUS_FAULT].state is State.FAULT


def test_nothing_leads_out_of_a_fault() -> None:
    assert {transition.state for (state, _), transition in TRANSITIONS.items() if state is State.FAULT} == {State.FAULT}


def test_only_start_a_chunk_in_holding_and_homing_may_set_the_arm_in_motion() -> None:
    moving = {pair for pair, transition in TRANSITIONS.items() if transition.reaction in MOVES}
    assert moving == {
        (State.OFF, Event.TORQUE_ON),
        (State.READY, Event.START),
        (State.HOLDING, Event.START),
        (State.HOLDING, Event.CHUNK),
        (State.HOLDING, Event.HOME),
    }


@pytest.mark.parametrize("state", [State.READY, State.HOMING, State.RUNNING, State.HOLDING])
def test_a_dead_policy_process_means_holding_until_start(state: State) -> None:
    transition = TRANSITIONS[state, Event.POLICY_GONE]
    assert (transition.state, transition.reaction) == (State.HOLDING, Reaction.PAUSE)


@pytest.mark.parametrize(
    ("state", "event"),
    [(State.HOMING, Event.START), (State.STOPPING, Event.START), (State.FAULT, Event.START), (State.OFF, Event.HOLD)],
)
def test_what_is_not_in_the_table_is_refused(state: State, event: Event) -> None:
    assert next_transition(state, event) is None


def test_every_state_event_and_reaction_is_used() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert {transition.reaction for transition in TRANSITIONS.values()} == set(Reaction)
