"""How time and memory of an export grow with the planner: synthetic planners, one export each in its own process.

    python benchmarks/export_growth.py                                  # 10 million parameters: seconds
    python benchmarks/export_growth.py --parameters 1e8 3e8 1e9         # 10 GB of disk, many minutes

Memory is the sum over the export's process and all its descendants, watched while it runs: resident, and of that what
no file backs ("anonymous"; pages of mapped weights can be dropped at any time). The table goes to stderr, the last line
of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WATCH_S = 0.05
PROC = Path("/proc")


@dataclass(slots=True)
class Growth:
    """One export. Memory in MB, at its highest."""

    parameters: int
    write_seconds: float
    exit_code: int = -1
    export_seconds: float = 0.0
    peak_resident_mb: float = 0.0
    peak_anonymous_mb: float = 0.0
    bytes_fp32: int = 0
    bytes_exported: int = 0
    complaint: str = ""


def family(root: int) -> list[int]:
    """`root` and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for status in PROC.glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [root]
    for process in found:
        found.extend(children.get(process, []))
    return found


def memory_mb(process: int) -> tuple[float, float]:
    """Resident and anonymous; zero for a process that has ended."""
    try:
        lines = (PROC / str(process) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    kilobytes = {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines if "kB" in line)}
    return kilobytes.get("VmRSS", 0) / 1024, kilobytes.get("RssAnon", 0) / 1024


def write_model(out: Path, parameters: float) -> int:
    """How many parameters the planner got."""
    command = [sys.executable, "-m", "training.synthetic_model", "--parameters", str(parameters), "--out", str(out)]
    written = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(json.loads(written.splitlines()[-1])["parameters"])


def export(model: Path, out: Path, growth: Growth) -> None:
    """Run the command as a user would and watch it."""
    command = [sys.executable, "-m", "libra_edge.cli.main", "export", str(model), "--out", str(out), "--json"]
    begin = time.monotonic()
    with (out.parent / "stderr").open("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            resident, anonymous = (sum(column) for column in zip(*map(memory_mb, family(process.pid)), strict=True))
            growth.peak_resident_mb = max(growth.peak_resident_mb, resident)
            growth.peak_anonymous_mb = max(growth.peak_anonymous_mb, anonymous)
            time.sleep(WATCH_S)
        growth.export_seconds = time.monotonic() - begin
        growth.exit_code = process.returncode
        if growth.exit_code:
            errors.seek(0)
            growth.complaint = errors.read().strip().rpartition("\n")[2]


def measure(parameters: float) -> Growth:
    """Write a model, export it, remove both."""
    with tempfile.TemporaryDirectory(prefix="libra-edge-bench-") as folder:
        model, out = Path(folder, "model"), Path(folder, "bundle")
        begin = time.monotonic()
        growth = Growth(write_model(model, parameters), time.monotonic() - begin)
        export(model, out, growth)
        growth.bytes_fp32 = sum(file.stat().st_size for file in model.glob("planner.onnx*"))
        growth.bytes_exported = sum(file.stat().st_size for file in (out / "cpu").glob("planner.onnx*"))
    return growth


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=float, nargs="+", default=[1e7])
    print("parameters  exit  seconds  resident MB  anonymous MB  cpu / FP32", file=sys.stderr)
    exports = []
    for parameters in parser.parse_args().parameters:
        one = measure(parameters)
        exports.append(asdict(one))
        ratio = one.bytes_exported / one.bytes_fp32
        figures = f"{one.export_seconds:8.1f} {one.peak_resident_mb:12.0f} {one.peak_anonymous_mb:13.0f} {ratio:16.3f}"
        print(f"{one.parameters:10.2e} {one.exit_code:5d} {figures}", file=sys.stderr, flush=True)
    print(json.dumps({"exports": exports}))
    if any(one["exit_code"] for one in exports):
        sys.exit(1)


if __name__ == "__main__":
    main()
