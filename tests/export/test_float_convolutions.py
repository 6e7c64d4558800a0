"""Convolutions that stay in float are found in the execution profile under their names, with their true sizes."""

from __future__ import annotations

from pathlib import Path

from libra_edge.calibration.samples import read_samples
from libra_edge.export.graph_file import read_graph
from libra_edge.export.layers import weighted_layers
from libra_edge.export.mac_share import measure_mac_share
from libra_edge.model_directory import open_model_directory


def test_an_fp32_planner_is_measured_whole(tiny: Path) -> None:
    """Its convolutions have 8 channels, which ONNX Runtime fills up to 16 where processors are the faster for it."""
    directory = open_model_directory(tiny)
    graph = read_graph(tiny / "planner.onnx")
    feed = read_samples(directory.calibration, directory.spec).feed(0, directory.spec.planner_inputs())
    found = measure_mac_share(tiny / "planner.onnx", graph, feed)
    assert found.share == 0.0
    assert sum(product.macs for product in found.products) == sum(layer.macs for layer in weighted_layers(graph))
    convolutions = [layer.name for layer in weighted_layers(graph) if layer.operator == "Conv"]
    assert all(any(product.name.startswith(name) for product in found.products) for name in convolutions)
