"""TOML that is harmful or useless: refused before it costs time or memory, in one clause."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from libra_edge.model_spec import ActionSection, CameraSection, PolicySection
from libra_edge.toml_file import MAX_BYTES, MAX_DOTS, read_toml


class Size(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: int = 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"width = " + b"[" * 5000, "nested too deeply"),
        (b"width = " + b"{a = " * 3000, "nested too deeply"),
        (b".".join([b"a"] * 20_000) + b" = 1", f"more than {MAX_DOTS} dots"),
        (b"width = " + b"1" * 5000, "is not TOML: Exceeds the limit"),
        (b"width = 1 # \xff", "is not TOML: 'utf-8' codec"),
        (b"#" * (MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
        (b'"a\\nb" = 1', "size.toml: a b: Extra inputs"),
        (b'"' + b"x" * 100_000 + b'" = 1', r"x \[\.\.\.\] x"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "size.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        read_toml(path, Size)
    assert str(caught.value).isprintable()


def test_a_rate_too_low_to_count_its_steps() -> None:
    policy = {"bins": 10, "chunk_steps": 5, "plan_chunks": 2, "denoising_steps": 5, "max_plan_delay_steps": 5}
    with pytest.raises(ValidationError, match="rate_hz"):
        PolicySection.model_validate({"rate_hz": 5e-324, **policy})


@pytest.mark.parametrize(("low", "high"), [(0.0, 5e-324), (-1e308, 1e308)])
def test_a_range_that_cannot_be_normalised(low: float, high: float) -> None:
    action = {"convention": "absolute_joint_position", "unit": "rad", "joints": ["pan"], "low": [low], "high": [high]}
    with pytest.raises(ValidationError):
        ActionSection.model_validate(action)


def test_a_camera_that_nothing_looks_through() -> None:
    with pytest.raises(ValidationError, match="used_by"):
        CameraSection.model_validate({"name": "front", "width": 8, "height": 8, "used_by": []})
