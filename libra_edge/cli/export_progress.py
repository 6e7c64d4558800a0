"""An export's progress as bars in the terminal."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from libra_edge.cli.output import stderr_console


class ProgressBars:
    """One bar a stage, drawn on stderr while the `with` block runs; with the time left, in the end the time it took."""

    def __init__(self) -> None:
        time = TimeRemainingColumn(elapsed_when_finished=True)
        columns = (TextColumn("{task.description:46}"), BarColumn(), TaskProgressColumn(), time)
        self._bars = Progress(*columns, console=stderr_console())
        self._present: TaskID | None = None

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, stage: str, pieces: int) -> None:
        """See `libra_edge.export.progress.Progress.begin`."""
        self._present = self._bars.add_task(stage, total=pieces)

    def advance(self, pieces: int = 1) -> None:
        """See `libra_edge.export.progress.Progress.advance`."""
        if self._present is not None:
            self._bars.advance(self._present, pieces)
