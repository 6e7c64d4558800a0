"""`bundle.json` has one spelling: the same facts written otherwise are not the bundle that export wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from libra_edge.bundle import MANIFEST, MAX_MANIFEST_BYTES, Manifest, open_bundle
from libra_edge.errors import BundleError


@pytest.mark.parametrize(
    "respell",
    [
        lambda text: json.dumps(json.loads(text)),
        lambda text: text + "\n",
        lambda text: text.replace('"schema_version": 1', '"schema_version": 1.0'),
        lambda text: text.replace('"seed": ', '"seed": 5,\n  "seed": '),
    ],
)
def test_another_spelling_of_the_same_facts(tiny_bundle: Path, tmp_path: Path, respell: Callable[[str], str]) -> None:
    shutil.copytree(tiny_bundle, tmp_path, dirs_exist_ok=True)
    text = (tiny_bundle / MANIFEST).read_text()
    assert respell(text) != text
    (tmp_path / MANIFEST).write_text(respell(text))
    with pytest.raises(BundleError, match="was changed after export"):
        open_bundle(tmp_path)


def test_a_key_with_a_line_end_in_it(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"a\\nb": 1, "schema_version": 1}')
    with pytest.raises(BundleError) as caught:
        open_bundle(tmp_path)
    assert str(caught.value).isprintable()


def test_a_million_faults_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"gates": [' + "0," * 1_000_000 + "0]}")
    with pytest.raises(BundleError, match=f"larger than {MAX_MANIFEST_BYTES} bytes"):
        open_bundle(tmp_path)


def test_a_file_name_longer_than_any_file_system_takes(tiny_bundle: Path) -> None:
    content = open_bundle(tiny_bundle).manifest.model_dump(mode="json")
    content["files"]["x" * 300] = "0" * 64
    with pytest.raises(ValueError, match="at most 200 characters"):
        Manifest.model_validate(content)
