"""Words to token ids. A word the model was never taught is refused, never mapped to something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from libra_edge.errors import InstructionError
from libra_edge.messages import Int64

MAX_BYTES = 50_000_000
UNKNOWN = "[UNK]"
PADDING = "[PAD]"


class InstructionEncoder:
    """A `tokenizer.json` and the planner's instruction length T."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        """Raises ValueError with one clause if the file cannot be used."""
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.name} is larger than {MAX_BYTES} bytes")
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"{path.name} is not a tokeniser: {error}") from error
        padding = self._tokenizer.token_to_id(PADDING)
        if padding is None:
            raise ValueError(f"{path.name} has no {PADDING} token")
        self._padding = padding
        self._unknown = self._tokenizer.token_to_id(UNKNOWN)
        self._max_tokens = max_tokens

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word it knows, sorted, without the special tokens."""
        return tuple(sorted(word for word in self._tokenizer.get_vocab() if not word.startswith("[")))

    def encode(self, text: str) -> Int64:
        """int64 [1, T], padded. Raises InstructionError for unknown words, no words, or too many."""
        encoding = self._tokenizer.encode(text)
        if not encoding.ids:
            raise InstructionError(text, [], self.vocabulary)
        unknown = [
            text[start:end]
            for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
            if token == self._unknown
        ]
        overflow = [text[start:] for start, _ in encoding.offsets[self._max_tokens : self._max_tokens + 1]]
        if unknown or overflow:
            raise InstructionError(text, unknown or overflow, self.vocabulary)
        ids = encoding.ids + [self._padding] * (self._max_tokens - len(encoding.ids))
        return np.array([ids], dtype=np.int64)

    def decode(self, ids: Int64) -> str:
        """The words of int64 [T], without padding."""
        words = (self._tokenizer.id_to_token(int(token)) for token in ids if token != self._padding)
        return " ".join(word or UNKNOWN for word in words)
