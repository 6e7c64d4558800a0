"""Words the model was never taught are refused, never mapped to something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from libra_edge.errors import InstructionError
from libra_edge.instruction import InstructionEncoder
from tests.models import write_tiny_model_directory


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> InstructionEncoder:
    model = write_tiny_model_directory(tmp_path_factory.mktemp("model") / "tiny")
    return InstructionEncoder(model / "tokenizer.json", max_tokens=6)


def test_words_become_ids_padded_to_length(encoder: InstructionEncoder) -> None:
    ids = encoder.encode("touch the red cube")
    assert ids.shape == (1, 6)
    assert ids.dtype == np.int64
    assert np.all(ids[0, :4] > 1)
    np.testing.assert_array_equal(ids[0, 4:], 0)


def test_other_words_give_other_ids(encoder: InstructionEncoder) -> None:
    red, blue = encoder.encode("touch the red cube"), encoder.encode("touch the blue cube")
    assert (red != blue).sum() == 1


def test_capitals_do_not_matter(encoder: InstructionEncoder) -> None:
    np.testing.assert_array_equal(encoder.encode("Touch the RED cube"), encoder.encode("touch the red cube"))


@pytest.mark.parametrize(
    ("text", "named"),
    [("touch the purple cube", "'purple'"), ("grab the red cube", "'grab'"), ("", "nothing"), ("red " * 7, "'red")],
)
def test_what_cannot_be_said_is_refused_with_the_words_it_knows(
    encoder: InstructionEncoder, text: str, named: str
) -> None:
    with pytest.raises(InstructionError) as caught:
        encoder.encode(text)
    assert named in str(caught.value)
    assert "yellow" in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"model": 3}'])
def test_a_broken_tokeniser_is_one_clear_clause(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        InstructionEncoder(path, 6)
