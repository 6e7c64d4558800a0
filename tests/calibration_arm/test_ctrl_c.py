"""Ctrl-C while a person is guided: it interrupts the wait for a key, and nothing that is half done."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from libra_edge.cli.ctrl_c import CtrlC
from libra_edge.cli.typed_keys import _entered


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_it_interrupts_at_the_next_wait_and_not_before() -> None:
    done = []
    with CtrlC.watched() as ctrl_c:
        press()
        done.append("what was under way")
        with pytest.raises(KeyboardInterrupt), ctrl_c.may_interrupt():
            done.append("the wait")
    assert done == ["what was under way"]


def test_it_interrupts_a_wait_for_a_key() -> None:
    terminal, far_end = os.pipe()
    pressing = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    with CtrlC.watched() as ctrl_c:
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            _entered(terminal, 60.0, ctrl_c)
    pressing.join()
    os.close(terminal)
    os.close(far_end)


def test_a_second_one_interrupts_at_once() -> None:
    with CtrlC.watched():
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_one_after_the_last_wait_is_too_late() -> None:
    done = []
    with CtrlC.watched() as ctrl_c:
        with ctrl_c.may_interrupt():
            done.append("the last wait")
        press()
        done.append("what followed it")
    assert done == ["the last wait", "what followed it"]


def test_afterwards_it_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with CtrlC.watched():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
