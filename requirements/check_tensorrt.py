"""Our use of TensorRT, held against NVIDIA's own code without a GPU: `python -m requirements.check_tensorrt`.

(a) Its ONNX parser and builder for PCs take every graph that is exported for `tensorrt`, and build it ahead of time.
(b) Every name of TensorRT's in our source exists in the real Python bindings of the versions that Jetsons have.

Neither runs an engine: that takes a GPU.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from requirements.tensorrt_names import names_in, source_files
from requirements.tensorrt_reader import Findings
from requirements.tensorrt_stubs import make_stubs
from requirements.tensorrt_wheels import BINDINGS, BINDINGS_LIBRARY, BINDINGS_MODULE, RTX, WheelError, WheelFolders
from tests.tensorrt.example_graphs import write_examples
from tests.tensorrt.software_tensorrt import names_of_the_stand_in

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".venv-tensorrt"


def graph_complaints(wheels: WheelFolders) -> Iterator[str]:
    """What is wrong with the exported graphs; and with the check itself, which has to take and to refuse examples."""
    graphs = sorted(ROOT.glob("bundles/*/tensorrt/*.onnx"))
    if not graphs:
        yield "no bundle has a graph for `tensorrt`, so nothing was built; make one with: make export"
    folder = wheels.unpacked(RTX)
    with tempfile.TemporaryDirectory() as examples:
        expected = write_examples(Path(examples))
        results = built(folder, [*expected, *map(str, graphs)])
    for graph in [*expected, *map(str, graphs)]:
        yield from _verdict(graph, results[graph], expected.get(graph))


def built(folder: Path, graphs: list[str]) -> dict[str, dict[str, Any]]:
    """What became of each graph, as `tensorrt_rtx_build` tells, or how that program ended."""
    results: dict[str, dict[str, Any]] = {}
    for graph in graphs:
        command = [sys.executable, "-m", "requirements.tensorrt_rtx_build", str(folder), graph]
        done = _run(command, environment={"PYTHONPATH": str(ROOT)})
        ended = f"the builder ended with code {done.returncode}: {(done.stderr.splitlines() or ['']).pop()}"
        results[graph] = json.loads(done.stdout) if done.returncode == 0 else {"crash": ended}
    return results


def _verdict(graph: str, result: dict[str, Any], refused: str | None) -> Iterator[str]:
    name = str(Path(graph).relative_to(ROOT)) if Path(graph).is_relative_to(ROOT) else f"example {Path(graph).stem}"
    if "crash" in result:
        yield f"{name}: {result['crash']}"
    elif refused is None and "problem" in result:
        yield result["problem"]
    elif refused is not None and f"({refused})" not in str(result.get("node")):
        yield f"{name} has to be refused for its {refused}, but: {result.get('problem', 'it was built')}"
    elif refused is not None:
        print(f"  {name}: refused, as it has to be, for {result['node']}")
    else:
        print(f"  {name}: parsed, and built for SM86 in {result['seconds']} s, {result['bytes']:,} bytes")


def name_complaints(wheels: WheelFolders) -> Iterator[str]:
    """Names in our source, and in the tests' stand-in, that a version of the real bindings lacks."""
    findings = names_in(source_files(ROOT), ROOT)
    yield from findings.faults
    if not findings.names:
        yield "no name of TensorRT's was found in our source: the search is broken"
    everywhere_lacking = set(findings.optional)
    for bindings in BINDINGS:
        version, lacking = looked_up(wheels.unpacked(bindings), [*findings.names, *names_of_the_stand_in()])
        print(f"  bindings {version}: {len(findings.names)} names of our source looked up, {len(lacking)} lacking")
        everywhere_lacking &= lacking
        yield from unexpected(findings, version, lacking)
    for name in sorted(everywhere_lacking):
        yield f"{findings.names[name]}: no version of TensorRT has {name}"


def unexpected(findings: Findings, version: str, lacking: set[str]) -> Iterator[str]:
    """What this version lacks although the source does not ask for it first."""
    for name in sorted(lacking - findings.optional):
        place = findings.names.get(name, "tests/tensorrt/software_tensorrt.py")
        yield f"{place}: TensorRT {version} has no {name}"


def looked_up(folder: Path, names: list[str]) -> tuple[str, set[str]]:
    """The version of the bindings in `folder`, and those of the names that they lack."""
    with tempfile.TemporaryDirectory() as stubs:
        make_stubs(folder / BINDINGS_LIBRARY, Path(stubs))
        command = [sys.executable, str(ROOT / "requirements" / "tensorrt_lookup.py"), str(folder), BINDINGS_MODULE]
        done = _run(command, environment={"LD_LIBRARY_PATH": stubs}, stdin=json.dumps(sorted(set(names))))
    done.check_returncode()
    answer = json.loads(done.stdout)
    return answer["version"], set(answer["lacking"])


def _run(command: list[str], environment: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own arguments
        command, cwd=ROOT, env={**os.environ, **environment}, input=stdin, capture_output=True, text=True, check=False
    )


CHECKS: dict[str, Callable[[WheelFolders], Iterator[str]]] = {
    "NVIDIA's parser and builder, on the graphs in bundles/": graph_complaints,
    "Names in the real Python bindings": name_complaints,
}


def main() -> int:
    """Exit code 0 if nothing is wrong, else 1."""
    if platform.machine() != "x86_64":
        print(f"NVIDIA's builder for PCs exists for x86_64 only, this is {platform.machine()}", file=sys.stderr)
        return 1
    failed = False
    for title, check in CHECKS.items():
        print(title)
        for complaint in _to_the_end(check(WheelFolders(WHEELS))):
            print(f"  FAILED {complaint}", flush=True)
            failed = True
    return int(failed)


def _to_the_end(complaints: Iterator[str]) -> Iterator[str]:
    """All of them, and one more if the check itself cannot go on."""
    try:
        yield from complaints
    except (WheelError, OSError, subprocess.CalledProcessError) as error:
        yield f"could not be checked: {error}\n{getattr(error, 'stderr', None) or ''}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
