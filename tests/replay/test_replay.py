"""A recording made with a tiny bundle, replayed: identical, or told what differs, what is missing and what is wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.cli.main import run_command
from libra_edge.clock import SimulatedClock
from libra_edge.errors import RecordingError
from libra_edge.messages import ActionChunk, Frame, JointState, Observation
from libra_edge.runtime.load_systems import load_systems
from libra_edge.runtime.recorded_decisions import RecordedDecisions
from libra_edge.runtime.recorder import Recorder
from libra_edge.runtime.recording import read_messages
from libra_edge.runtime.recording_messages import CAMERA, Entry, chunk_entry, frame_entry, jpeg_entry, plan_entry
from tests.models import write_tiny_bundle
from tests.runtime_policy.fakes import POSE

TASK, SEED, STEPS = "touch the red cube", 11, 4
Change = Callable[[ActionChunk], ActionChunk]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "other", seed=5))


@pytest.fixture
def here(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which bundles/tiny is what the recordings name."""
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / bundle.spec.name).symlink_to(bundle.path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def an_observation(bundle: Bundle, number: int) -> Observation:
    rng = np.random.default_rng(number)
    frames = {}
    for camera in bundle.spec.camera:
        image = rng.integers(0, 256, (camera.height, camera.width, 3), dtype=np.uint8)
        frames[camera.name] = Frame(camera.name, image, number, number * 1_000)
    return Observation(frames, JointState(POSE + 0.01 * number, np.full(6, 0.1), number * 1_000))


def record(
    path: Path,
    bundle: Bundle,
    *,
    lacking: int | None = None,
    change: Change = lambda chunk: chunk,
    metadata: dict[str, str] | None = None,
    closed: bool = True,
    picture_entry: Callable[[Frame], Entry] = frame_entry,
) -> Path:
    """`lacking`: the frame number that never reached the file."""
    policy = load_systems(bundle.policy_files("cpu")).policy(TASK, clock=SimulatedClock(1), seed=SEED)
    facts = {"task": TASK, "model": bundle.spec.name, "bundle_sha256": bundle.sha256, "seed": str(SEED)}
    recorder = Recorder(path, {**facts, "backend": "onnxruntime", **(metadata or {})})
    for number in range(STEPS):
        seen = an_observation(bundle, number)
        for frame in seen.frames.values():
            if number != lacking:
                recorder.put(picture_entry(frame))
        plan = policy.make_plan(seen, number, task_id=0)
        recorder.put(plan_entry(plan, seen))
        chunk = policy.make_chunk(seen, plan, plan.tokens[1 : 1 + policy.chunk_steps], number + 1)
        recorder.put(chunk_entry(change(chunk), seen, ready_ns=number * 1_000))
    recorder.close({})
    if not closed:
        path.write_bytes(path.read_bytes()[:-200])
    return path


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, object]]:
    """Exit code and JSON."""
    code = run_command(["replay", *map(str, arguments), "--json"])
    lines = capsys.readouterr().out.splitlines()
    return code, json.loads(lines[-1]) if lines else {}


def test_the_same_bundle_decides_the_same_to_the_last_bit(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = replayed(capsys, record(here / "a.mcap", bundle))
    assert code == 0
    assert (told["plans"], told["chunks"], told["identical"]) == (STEPS, STEPS, True)
    assert (told["max_difference_deg"], told["tokens_identical"], told["incomplete"]) == (0.0, True, [])


def test_a_chunk_that_was_recorded_otherwise_fails_the_check_and_is_named(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(chunk: ActionChunk) -> ActionChunk:
        return replace(chunk, positions=chunk.positions + np.radians(0.25) * (chunk.chunk_id == 2))

    code, told = replayed(capsys, record(here / "a.mcap", bundle, change=change))
    assert code == 1
    assert (told["identical"], told["tokens_identical"], told["worst_chunk"]) == (False, True, 2)
    assert told["max_difference_deg"] == pytest.approx(0.25)


def test_another_bundle_is_compared_and_fails_only_beyond_what_is_allowed(
    bundle: Bundle, other: Bundle, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = record(here / "a.mcap", bundle)
    code, told = replayed(capsys, recording, "--bundle", other.path)
    assert code == 0
    assert told["identical"] is False
    largest = told["max_difference_deg"]
    assert isinstance(largest, float)
    assert largest > 0
    limits = (str(largest * 0.9), str(largest * 1.1))
    codes = [replayed(capsys, recording, "--bundle", other.path, "--max-difference-deg", deg)[0] for deg in limits]
    assert codes == [1, 0]


def test_jpeg_pictures_are_compared_and_not_held_to_the_last_bit(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    recording = record(here / "a.mcap", bundle, metadata={"pictures": "jpeg"}, picture_entry=jpeg_entry)
    code, told = replayed(capsys, recording)
    assert code == 0
    assert (told["plans"], told["chunks"], told["identical"]) == (STEPS, STEPS, False)
    assert "its pictures were recorded as JPEG: expect differences" in caplog.text
    assert recording.stat().st_size < record(here / "b.mcap", bundle).stat().st_size / 1.5


def test_a_jpeg_picture_is_nearly_what_was_seen(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:90, 0:160]
    image = np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)
    recorder = Recorder(tmp_path / "a.mcap", {})
    recorder.put(jpeg_entry(Frame("front", image, 5, 1_000)))
    recorder.close({})
    (message,) = read_messages(recorder.path)
    assert (message.topic, message.sequence) == (CAMERA + "front", 5)
    assert np.abs(message.picture().astype(int) - image).mean() < 2.0


@pytest.mark.parametrize("spoil", [lambda data: data[:30], lambda data: b"GIF89a" + data, lambda _: b""])
def test_what_is_no_jpeg_is_refused(bundle: Bundle, here: Path, spoil: Callable[[bytes], bytes]) -> None:
    def spoilt(frame: Frame) -> Entry:
        whole = jpeg_entry(frame)

        def encode(wall_ns: int) -> bytes:
            message = CompressedImage.FromString(whole.encode(wall_ns))
            message.data = spoil(message.data)
            data: bytes = message.SerializeToString()
            return data

        return replace(whole, encode=encode)

    recording = record(here / "a.mcap", bundle, metadata={"pictures": "jpeg"}, picture_entry=spoilt)
    with pytest.raises(RecordingError, match="picture of camera 'front' that cannot be read"):
        list(RecordedDecisions(recording))


def test_what_the_file_lacks_is_named_and_not_hidden(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = replayed(capsys, record(here / "a.mcap", bundle, lacking=2))
    assert code == 0
    assert (told["plans"], told["chunks"], told["identical"]) == (STEPS - 1, STEPS - 1, True)
    camera = bundle.spec.camera[0].name
    assert told["incomplete"] == [
        f"{what} 2: picture 2 of camera {camera!r} is not in the file" for what in ("plan", "chunk")
    ]


def test_a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        code, told = replayed(capsys, record(here / "a.mcap", bundle, closed=False))
    assert (code, told["whole"], told["identical"]) == (0, False, True)
    assert "was cut off" in caplog.text


def test_the_bundle_at_hand_has_to_be_the_one_that_was_used(
    bundle: Bundle, other: Bundle, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = record(here / "a.mcap", other, metadata={"model": bundle.spec.name})
    assert run_command(["replay", str(recording)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"was made with bundle {other.sha256[:8]}" in said
    assert "give --bundle" in said


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        ({"seed": "-1"}, "seed"),
        ({"seed": "many"}, "seed"),
        ({"task": "fly to the moon"}, "words the model does not know"),
    ],
)
def test_metadata_that_cannot_be_used_is_one_sentence(
    bundle: Bundle, here: Path, capsys: pytest.CaptureFixture[str], spoilt: dict[str, str], sentence: str
) -> None:
    assert run_command(["replay", str(record(here / "a.mcap", bundle, metadata=spoilt))]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_what_is_no_recording_is_one_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "empty.mcap").write_bytes(b"")
    (here / "text.mcap").write_text("not a recording", encoding="utf-8")
    for name in ("missing.mcap", "empty.mcap", "text.mcap"):
        assert run_command(["replay", str(here / name)]) == 2
        assert name in capsys.readouterr().err


def test_every_cut_gives_a_recording_or_one_sentence(bundle: Bundle, here: Path) -> None:
    whole = record(here / "a.mcap", bundle).read_bytes()
    counts = []
    for cut in np.linspace(0, len(whole), 60, dtype=int):
        (here / "cut.mcap").write_bytes(whole[:cut])
        try:
            counts.append(len(list(RecordedDecisions(here / "cut.mcap"))))
        except RecordingError:
            counts.append(0)
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 2 * STEPS)
