"""The exported reference bundle: the one in bundles/ if it was made from the model as it is, else a fresh export."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from libra_edge.bundle import Bundle, open_bundle
from libra_edge.errors import BundleError
from libra_edge.locate import BUNDLES, model_directory_path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """libra_base, planner INT8 and refiner FP16."""
    try:
        return open_bundle(BUNDLES / "libra_base")
    except BundleError:
        out: Path = tmp_path_factory.mktemp("bundle") / "libra_base"
        model = str(model_directory_path("libra_base"))
        subprocess.run([sys.executable, "-m", "libra_edge.cli.main", "export", model, "--out", str(out)], check=True)
        return open_bundle(out)
