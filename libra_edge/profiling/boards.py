"""The boards that can be predicted for, from their data sheets and what others measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libra_edge.errors import ConfigError
from libra_edge.profiling.cost_model import Coefficients, CostModel
from libra_edge.profiling.peaks import Peaks
from libra_edge.toml_file import read_toml

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
OTHER_KINDS = ("pointwise", "function", "softmax", "norm", "reduce", "quantise", "turned", "cut")


class Table(BaseModel):
    """What it does not name it does not take."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BoardTable(Table):
    """A data sheet: dense operations a second in each precision, bytes a second.

    Attributes:
        device_tree: words in the model that the board's kernel names.
    """

    title: str
    device_tree: str
    int8: Rate
    fp16: Rate
    fp32: Rate
    bandwidth: Rate


class EfficiencyTable(Table):
    """Shares of the peaks that are reached, and what a layer costs in any case, us."""

    int8: Share
    fp16: Share
    fp32: Share
    bandwidth: Share
    layer_us: Rate


class BoardsFile(Table):
    """The whole of `boards.toml`, which says where each figure comes from."""

    boards: dict[str, BoardTable]
    efficiency: EfficiencyTable


@dataclass(frozen=True, slots=True)
class Board:
    """One board: what its data sheet promises, and what is lost of it."""

    name: str
    title: str
    device_tree: str
    peaks: Peaks
    costs: CostModel


def chosen_boards(names: str) -> tuple[Board, ...]:
    """By their names with commas between. Raises ConfigError that lists the known ones for any other."""
    known = all_boards()
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(f"--predict: there is no board {unknown[0]!r}; known are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(wanted))


def this_board(model: Path = DEVICE_TREE_MODEL) -> Board | None:
    """The board that this machine is, None for any other machine."""
    try:
        found = model.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((board for board in all_boards().values() if board.device_tree in found), None)


@cache
def all_boards() -> Mapping[str, Board]:
    """By name."""
    with as_file(files("libra_edge.profiling").joinpath("boards.toml")) as path:
        table = read_toml(path, BoardsFile)
    costs = _costs(table.efficiency)
    return {
        name: Board(name, board.title, board.device_tree, _peaks(board), costs) for name, board in table.boards.items()
    }


def _peaks(board: BoardTable) -> Peaks:
    """BF16 is as fast as FP16 on Orin's tensor cores."""
    flops = {"int8": board.int8, "fp16": board.fp16, "bf16": board.fp16, "fp32": board.fp32}
    return Peaks(flops, ((1, board.bandwidth),))


def _costs(efficiency: EfficiencyTable) -> CostModel:
    """Whatever is no product is bound by memory."""
    bytes_times = 1 / efficiency.bandwidth
    moving = Coefficients(weights=bytes_times, tensors=bytes_times, constant_us=efficiency.layer_us)
    shares = {"int8": efficiency.int8, "bf16": efficiency.fp16, "fp16": efficiency.fp16, "fp32": efficiency.fp32}
    products = {
        f"{kind}.{precision}": moving.model_copy(update={"compute": 1 / share})
        for kind in ("product", "batched", "convolution")
        for precision, share in shares.items()
    }
    others = {**dict.fromkeys(OTHER_KINDS, moving), "view": Coefficients()}
    return CostModel(combine="longest", kinds={**products, **others})
