"""Which moments of which episodes become samples, and which of them are held out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from libra_edge.calibration.sample_forms import cameras_of
from libra_edge.model_spec import ModelSpec

logger = logging.getLogger(__name__)

MAX_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Choice:
    """One sample to be: moment `moment` of episode `episode`, both counted from 0."""

    episode: int
    moment: int
    held_out: bool


def choose(lengths: Sequence[int], *, limit: int, seed: int) -> list[Choice]:
    """Choose among episodes with `lengths` moments: at most `limit` of each kind, spread over episodes and phases.

    Every other episode is held out, in an order drawn by `seed`: moments of one episode resemble each other, so none
    gives samples of both kinds. Only where there is a single episode, its first half calibrates and its second half is
    held out. Returned in ascending order of episode and moment; empty if there are no moments.
    """
    rng = np.random.default_rng(seed)
    filled = [episode for episode, length in enumerate(lengths) if length]
    if len(filled) == 1:
        middle = lengths[filled[0]] // 2
        parts = [(filled[0], 0, middle), (filled[0], middle, lengths[filled[0]])]
    else:
        parts = [(int(episode), 0, lengths[episode]) for episode in rng.permutation(np.array(filled, np.int64))]
    chosen = [
        Choice(episode, moment, held_out)
        for held_out in (False, True)
        for episode, moment in _spread(parts[int(held_out) :: 2], limit, rng)
    ]
    return sorted(chosen, key=lambda choice: (choice.episode, choice.moment))


def affordable(spec: ModelSpec, limit: int) -> int:
    """`limit`, or as many samples of each kind as fit into 4 GiB of pictures; that there are fewer is announced."""
    each = sum(3 * height * width for height, width in cameras_of(spec).values())
    most = max(1, MAX_BYTES // max(1, 2 * each))
    if most >= limit:
        return limit
    logger.warning("only %d calibration samples of each kind are taken, not %d: more would not fit", most, limit)
    return most


def _spread(parts: Sequence[tuple[int, int, int]], limit: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(episode, moment) for at most `limit` moments of (episode, begin, end), one at random from each equal share."""
    ends = np.cumsum([end - begin for _, begin, end in parts])
    total = int(ends[-1]) if parts else 0
    shares = np.arange(min(limit, total) + 1) * total // max(1, min(limit, total))
    places = rng.integers(shares[:-1], shares[1:])
    found = np.searchsorted(ends, places, side="right").tolist()
    return [(parts[at][0], parts[at][2] - int(ends[at] - place)) for at, place in zip(found, places, strict=True)]
