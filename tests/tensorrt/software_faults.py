"""What the stand-in for TensorRT shall do wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Faults:
    """What shall go wrong, and what is to be called on the way.

    Attributes:
        parser_errors: node name and description of each.
        logged: errors that the builder logs before it gives no plan.
        refuses_timing_cache: whatever it is given, but an empty one.
        refuses_plans: it deserialises nothing.
        raises: the builder cannot be made.
        layers: in place of the layer information.
        on_build: called while a build is under way.
        told_to_stop: set when a build was stopped by its progress monitor.
        on_execute: called by the stream's thread with the graph's path, before its kernels run.
        log_error: told what an execution is refused for.
        refuses_capture: it cannot be captured into a graph.
        refuses_execution: it executes nothing.
        no_runtime: raised in place of a runtime.
        refuses_address_of: tensors whose address it does not take.
        shifts: tensor -> bytes by which its kernels miss the address.
        no_context: no execution context is to be had.
        layer_times: what a profiler is told after each execution, in place of a millisecond for each layer.
        shapes, on_the_host: tensors that are told of otherwise than they are.
    """

    parser_errors: list[tuple[str, str]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    refuses_timing_cache: bool = False
    refuses_plans: bool = False
    raises: Exception | None = None
    layers: str = ""
    on_build: Callable[[], None] = lambda: None
    told_to_stop: bool = False
    on_execute: Callable[[str], None] = lambda graph: None
    log_error: Callable[[str], None] = lambda reason: None
    refuses_capture: bool = False
    refuses_execution: bool = False
    no_runtime: Exception | None = None
    refuses_address_of: Sequence[str] = ()
    shifts: dict[str, int] = field(default_factory=dict)
    no_context: bool = False
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    on_the_host: Sequence[str] = ()
    layer_times: Sequence[tuple[str, float]] = ()
