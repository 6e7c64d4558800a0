"""What a user must be told of a bundle's gates before it drives an arm."""

from __future__ import annotations

from typing import Literal

from libra_edge.bundle import Bundle, GateEntry


def gate_warnings(bundle: Bundle, target: Literal["cpu", "tensorrt"]) -> list[str]:
    """A sentence for each gate of `target` that was not run, or that failed and was accepted."""
    gates = (gate for gate in bundle.manifest.gates if gate.target == target)
    return [sentence for gate in gates if (sentence := _warning(gate))]


def _warning(gate: GateEntry) -> str | None:
    if gate.verdict == "not run":
        return f"gate {gate.name!r} was not run for this bundle: nobody has measured whether it holds on {gate.target}"
    if gate.verdict == "failed":
        found = "no figure" if gate.value is None else f"{gate.value:.4g}"
        return (
            f"gate {gate.name!r} failed for this bundle ({found} against {gate.threshold:g}) and was accepted at export"
        )
    return None
