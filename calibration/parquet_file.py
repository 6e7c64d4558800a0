"""Reads columns of Parquet files; the one place that imports pyarrow. Every refusal is a ValueError of one clause."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libra_edge.errors import MissingDependencyError

MAX_TABLE_BYTES = 256 << 20
"""Of a table that is read as a whole, unpacked."""
BATCH_ROWS = 4096
PICTURE_BATCH_ROWS = 16


@functools.cache
def load_pyarrow() -> Any:
    """The module `pyarrow`, with `pyarrow.parquet` in it. Raises MissingDependencyError."""
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "install it with: pip install 'libra-edge[lerobot]'") from error


def short_name(path: Path) -> str:
    """The last three parts of a path: enough to find a file in a dataset's folder."""
    return "/".join(path.parts[-3:])


def read_table(path: Path, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Whole columns of a small file as Python values. Raises ValueError, MissingDependencyError."""
    with _opened(path, columns) as file:
        groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        chunks = [group.column(column) for group in groups for column in range(group.num_columns)]
        size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.startswith(tuple(columns)))
        if size > MAX_TABLE_BYTES:
            raise ValueError(f"{short_name(path)} unpacks to {size >> 20} MiB, more than {MAX_TABLE_BYTES >> 20}")
        table = file.read(columns=list(columns))
        return {name: table.column(name).to_pylist() for name in columns}


def column_names(path: Path) -> tuple[str, ...]:
    """The names of a file's columns. Raises ValueError, MissingDependencyError."""
    with _opened(path, ()) as file:
        return tuple(file.schema_arrow.names)


def read_numbers(path: Path, columns: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
    """Columns of numbers, a few thousand rows R at a time: [R], or [R, D] of a column of lists.

    A number that is missing is NaN. Raises ValueError, MissingDependencyError.
    """
    with _opened(path, columns) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            yield {name: _numbers(batch.column(name), name, path) for name in columns}


def read_pictures(path: Path, column: str, rows: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """(row, encoded picture) of the wanted rows of a column that holds pictures, in ascending order of rows.

    Rows are counted from the file's beginning; no more than a few pictures, and no row group without a wanted one, are
    unpacked. Raises ValueError, MissingDependencyError.
    """
    wanted, start = set(rows), 0
    with _opened(path, [column]) as file:
        for group in range(file.metadata.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if any(start <= row < end for row in wanted):
                yield from _pictures_of_group(file, group, start, column, wanted)
            start = end


def _pictures_of_group(file: Any, group: int, start: int, column: str, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    row = start
    for batch in file.iter_batches(batch_size=PICTURE_BATCH_ROWS, row_groups=[group], columns=[column]):
        for value in batch.column(column):
            if row in wanted:
                content = value.as_py()
                data = content.get("bytes") if isinstance(content, dict) else None
                if not isinstance(data, bytes):
                    raise ValueError(f"{column} in row {row} is not a picture inside the Parquet file")
                yield row, data
            row += 1


def _numbers(column: Any, name: str, path: Path) -> NDArray[Any]:
    is_list = column.type.num_fields == 1
    values = np.asarray((column.flatten() if is_list else column).to_numpy(zero_copy_only=False))
    if values.dtype.kind not in "iuf":
        raise ValueError(f"{name} in {short_name(path)} does not hold numbers")
    if not is_list:
        return values
    if not len(column) or column.null_count or len(values) % len(column):
        raise ValueError(f"{name} in {short_name(path)} has rows of unequal length")
    return values.reshape(len(column), -1)


@contextmanager
def _opened(path: Path, columns: Sequence[str]) -> Iterator[Any]:
    """The open file, with `columns` in it; what pyarrow raises becomes one clause."""
    arrow = load_pyarrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise ValueError(f"{short_name(path)} has no column {missing[0]!r}")
            yield file
    except FileNotFoundError as error:
        raise ValueError(f"{short_name(path)} is missing") from error
    except arrow.ArrowException as error:
        raise ValueError(f"{short_name(path)} is damaged or no Parquet file: {_first_line(error)}") from error
    except OSError as error:
        raise ValueError(f"{short_name(path)} cannot be read: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
