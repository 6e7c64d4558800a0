"""Names of models and bundles: where they are looked for, in which order, and what is said of unknown ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from libra_edge import locate
from libra_edge.errors import BundleError, ModelDirectoryError
from libra_edge.locate import bundle_path, model_directory_path


@pytest.fixture(autouse=True)
def two_models_and_two_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, file in (("shipped/one", "model.toml"), ("shipped/two", "model.toml"), ("bundles/one", "bundle.json")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).touch()
    (tmp_path / "bundles" / ".one.x7").mkdir()
    (tmp_path / "bundles" / ".one.x7" / "bundle.json").touch()
    (tmp_path / "one").mkdir()
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locate, "MODELS", tmp_path / "shipped")


def test_names_come_before_paths(tmp_path: Path) -> None:
    assert model_directory_path("one") == tmp_path / "shipped" / "one"
    assert bundle_path("one") == Path("bundles/one")


def test_what_is_no_name_is_a_path() -> None:
    assert model_directory_path("mine") == bundle_path("mine") == Path("mine")
    assert model_directory_path("./one") == Path("one")


def test_unknown_names_are_told_what_there_is() -> None:
    with pytest.raises(ModelDirectoryError, match="no such model; shipped models: one, two, or give a path"):
        model_directory_path("three")
    with pytest.raises(
        BundleError, match="no such bundle; exported so far: one; make one with: libra-edge export three"
    ):
        bundle_path("three")


@pytest.mark.parametrize("name", ["", "..", "one/.."])
def test_a_name_does_not_lead_out_of_its_folder(name: str, tmp_path: Path) -> None:
    assert not model_directory_path(name or ".").is_relative_to(tmp_path / "shipped")
