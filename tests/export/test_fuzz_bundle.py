"""10,000 files that call themselves bundle.json, most with a true seal: each is read or refused in one sentence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from libra_edge.bundle import MANIFEST, manifest_bytes, open_bundle, sealed
from libra_edge.errors import BundleError
from tests.export.changed_trees import as_json, changed
from tests.export.fuzzing import ACCEPTED, REFUSED, damaged, fuzz, how_many, overwrite, weighted

CONTENT = b"what a graph would be"


pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # a case that fails is shown whole
]


@pytest.fixture
def hollow(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle with short files under the names, and with the hashes, that its manifest gives."""
    tree = json.loads((tiny_bundle / MANIFEST).read_text())
    for name in tree["files"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(CONTENT)
        tree["files"][name] = hashlib.sha256(CONTENT).hexdigest()
    (tmp_path / MANIFEST).write_bytes(with_seal(tree))
    return tmp_path


def with_seal(tree: dict[str, Any]) -> bytes:
    """The tree as bundle.json, under the seal that export would have given it."""
    blank = as_json({**tree, "seal": ""})
    seal = hashlib.sha256(blank.encode()).hexdigest()
    return blank.replace('"seal": ""', f'"seal": "{seal}"').encode()


@how_many()
def test_bundle_json(hollow: Path, cases: int) -> None:
    valid = (hollow / MANIFEST).read_bytes()
    tree = json.loads(valid)
    unsealed = changed(tree).map(lambda found: as_json(found).encode())
    trees = changed(tree).map(with_seal)

    def read(content: bytes) -> None:
        overwrite(hollow / MANIFEST, content)
        bundle = open_bundle(hollow)
        assert content == manifest_bytes(sealed(bundle.manifest)), "a byte differs from what export writes"
        for target, entry in bundle.manifest.targets.items():
            for name in (*entry.planner.graphs, *entry.refiner.graphs):
                assert bundle.graph(target, name).resolve().is_relative_to(hollow.resolve())

    rubbish = st.binary(max_size=200)
    contents = weighted((6, trees), (1, unsealed), (2, damaged(valid)), (1, rubbish))
    outcomes = fuzz(contents, read, BundleError, cases)
    assert outcomes[ACCEPTED] > cases // 100
    assert outcomes[REFUSED] > cases // 2
