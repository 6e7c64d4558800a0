"""The words the reference model is taught, and its word-level tokeniser."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from libra_edge.instruction import PADDING, UNKNOWN

MAX_WORDS = 8
"""T, the length of an instruction in words."""
WORDS = ("touch", "pick", "up", "push", "the", "red", "green", "blue", "yellow", "cube")
VOCABULARY: dict[str, int] = {word: index for index, word in enumerate((PADDING, UNKNOWN, *WORDS))}


def encode(text: str) -> list[int]:
    """Ids of a sentence, padded to MAX_WORDS. KeyError for a word that is not taught."""
    ids = [VOCABULARY[word] for word in text.split()]
    return ids + [VOCABULARY[PADDING]] * (MAX_WORDS - len(ids))


def write_tokenizer(path: Path) -> None:
    """`tokenizer.json` with the same ids."""
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path), pretty=True)
