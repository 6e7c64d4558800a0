"""Every error this package raises.

    LibraEdgeError
    ├── CheckFailed                 a stated check failed: gate, budget, replay, required success; exit code 1
    ├── InputError                  the user can mend it; exit code 2
    │   ├── ConfigError             a robot file or an option
    │   ├── ModelDirectoryError     a model directory that breaks its contract
    │   ├── CalibrationError        samples that cannot be used to choose INT8 ranges
    │   ├── CameraCalibrationError  views that cannot tell where a camera is
    │   ├── ArmCalibrationError     an arm not swept well enough, or a calibration that does not fit its servos
    │   ├── BundleError             a bundle that is missing, altered or refused
    │   ├── PolicyFilesError        graphs that cannot be loaded or are not what their record says
    │   ├── EngineBuildError        a graph that TensorRT does not take
    │   ├── EngineCacheError        a folder in which no engine can be kept
    │   ├── InstructionError        words that the model was never taught
    │   ├── RecordingError          a recording that cannot be started or read
    │   ├── MissingHardwareError    a port, camera or arm that is not there
    │   └── MissingDependencyError  an optional package that is not installed
    └── RuntimeFault                it broke while running, the arm is made safe; exit code 3
        ├── BusError                the Dynamixel wire
        │   ├── PortError           the serial port cannot be used any more
        │   ├── RegisterError       what a servo's model has no register for, or would refuse
        │   ├── NoAnswerError       no status packet in time
        │   │   └── MissingServosError  some servos of an arm are silent; says who, since when, and how the others are
        │   ├── CorruptPacketError  a status packet that does not check
        │   └── ServoError          a servo answered with an error
        │       └── HardwareAlertError  a hardware error stands in a servo: overload, heat, voltage
        ├── CameraError             no frame, or one that cannot be used
        ├── EngineError             an engine cannot be made or loaded, or gave numbers that cannot be used
        │   ├── PlanError           a built engine that TensorRT refuses to load: damaged, or made elsewhere
        │   └── ModelHangsError     a call of a system that does not return
        └── ProcessError            a process of ours died or does not answer

Facts stand on the error as attributes; the message is one sentence that says what is wrong, where, and what to do.
An error that a worker process raises arrives in its parent as it was.
It is one line of bounded length whatever was put into it: names in files from outside may be long and hold line ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libra_edge.messages import JointState

MAX_MESSAGE = 1000
MESSAGE_END = 200
"""Characters of a message, and how many of them are kept from its end, where the advice stands."""


def one_line(text: str) -> str:
    """`text` with its line ends as spaces, unprintable characters escaped, and the middle left out if it is long."""
    joined = " ".join(text.splitlines())
    line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in joined)
    if len(line) <= MAX_MESSAGE:
        return line
    return f"{line[: MAX_MESSAGE - MESSAGE_END]} [...] {line[-MESSAGE_END:]}"


class LibraEdgeError(Exception):
    """Root of all errors of this package. Its message is one line, see `one_line`."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied by message and facts. `Exception` would call `__init__` with the message alone, which fails."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[LibraEdgeError], message: tuple[Any, ...], facts: dict[str, Any]) -> LibraEdgeError:
    error = kind.__new__(kind)
    error.args = message
    error.__dict__.update(facts)
    return error


class CheckFailed(LibraEdgeError):
    """The command did its work, and what it was asked to check did not hold."""

    exit_code = 1


class InputError(LibraEdgeError):
    """Bad input or missing hardware: the user can mend it."""

    exit_code = 2


class ConfigError(InputError):
    """A robot file or an option that cannot be used."""


class ModelDirectoryError(InputError):
    """A model directory that breaks its contract."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"model directory {path}: {problem}")
        self.path, self.problem = path, problem


class CalibrationError(InputError):
    """Samples that cannot be used to choose INT8 ranges."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"calibration samples {path}: {problem}")
        self.path, self.problem = path, problem


class CameraCalibrationError(InputError):
    """Views, or a file of them, that cannot tell where a camera is."""


class ArmCalibrationError(InputError):
    """An arm that was not swept well enough, or a calibration that does not fit what its servos hold."""


class BundleError(InputError):
    """A bundle that is missing, altered or refused."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"bundle {path}: {problem}")
        self.path, self.problem = path, problem


class PolicyFilesError(InputError):
    """Graphs or a tokeniser that cannot be loaded, or that are not what the model's record says."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"policy {path}: {problem}")
        self.path, self.problem = path, problem


class EngineBuildError(InputError):
    """A graph that TensorRT does not take; `node` is None where it blames none."""

    def __init__(self, graph: Path, problem: str, node: str | None = None) -> None:
        where = f"graph {graph}" if node is None else f"graph {graph}, node {node!r}"
        super().__init__(f"{where}: {problem}")
        self.graph = graph
        self.problem = problem
        self.node = node


class EngineCacheError(InputError):
    """A folder in which no engine can be kept."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"engine cache {path}: {problem}")
        self.path, self.problem = path, problem


class InstructionError(InputError):
    """An instruction with words that the model was never taught."""

    def __init__(self, text: str, unknown: Sequence[str], vocabulary: Sequence[str]) -> None:
        listed = ", ".join(repr(word) for word in unknown) or "nothing at all"
        super().__init__(
            f"task {text!r} has words the model does not know: {listed}; it knows: {', '.join(vocabulary)}"
        )
        self.text = text
        self.unknown = tuple(unknown)
        self.vocabulary = tuple(vocabulary)


class RecordingError(InputError):
    """A recording that cannot be started or read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"recording {path}: {problem}")
        self.path, self.problem = path, problem


class MissingHardwareError(InputError):
    """A port, camera or arm that was looked for and not found."""


class MissingDependencyError(InputError):
    """An optional package that is not installed."""

    def __init__(self, package: str, advice: str) -> None:
        super().__init__(f"the Python package {package!r} cannot be imported; {advice}")
        self.package = package
        self.advice = advice


class RuntimeFault(LibraEdgeError):
    """Something broke while running; the arm is made safe first."""

    exit_code = 3


class BusError(RuntimeFault):
    """The Dynamixel wire failed."""


class PortError(BusError):
    """The serial port cannot be used any more: unplugged, or its driver has failed."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path, self.problem = path, problem


class NoAnswerError(BusError):
    """No status packet came in time."""

    def __init__(self, servo_ids: Sequence[int], waited_s: float) -> None:
        who = ", ".join(str(servo) for servo in servo_ids)
        super().__init__(f"no answer from servo {who} within {waited_s * 1e3:.1f} ms; check cable and power")
        self.servo_ids = tuple(servo_ids)
        self.waited_s = waited_s


class MissingServosError(NoAnswerError):
    """Some servos of an arm are silent, the others have answered.

    Attributes:
        silent_s: servo id -> for how long it has been silent.
        joints: the state of the joints that answered, NaN for the others.
    """

    def __init__(self, silent_s: Mapping[int, float], labels: Sequence[str], joints: JointState, advice: str) -> None:
        super().__init__(tuple(silent_s), max(silent_s.values()))
        who = ", ".join(f"{label} for {age:.2f} s" for label, age in zip(labels, silent_s.values(), strict=True))
        self.args = (one_line(f"no answer from {who}; {advice}"),)
        self.silent_s = dict(silent_s)
        self.joints = joints


class RegisterError(BusError):
    """A register that a servo's model does not have, or a value that it would refuse: an error on our side."""

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(f"{model} {problem}; nothing was sent")
        self.model = model
        self.problem = problem


class CorruptPacketError(BusError):
    """A status packet whose frame or checksum does not hold."""

    def __init__(self, problem: str, packet: bytes) -> None:
        super().__init__(f"corrupt status packet ({problem}): {packet.hex(' ')}")
        self.problem = problem
        self.packet = packet


class ServoError(BusError):
    """A servo answered with an error code or raised its hardware alert."""

    def __init__(self, servo_id: int, code: int, meaning: str) -> None:
        super().__init__(f"servo {servo_id} answered with error 0x{code:02x}: {meaning}")
        self.servo_id = servo_id
        self.code = code
        self.meaning = meaning


class HardwareAlertError(ServoError):
    """A hardware error stands in a servo (register 70, which is `code`); only a reboot takes it away."""


class CameraError(RuntimeFault):
    """No frame came, or one that cannot be used."""

    def __init__(self, camera: str, problem: str) -> None:
        super().__init__(f"camera {camera!r}: {problem}")
        self.camera = camera
        self.problem = problem


class EngineError(RuntimeFault):
    """An engine cannot be made or loaded, or gave numbers that cannot be used."""

    def __init__(self, stage: str, problem: str) -> None:
        super().__init__(f"{stage}: {problem}")
        self.stage = stage
        self.problem = problem


class PlanError(EngineError):
    """A built engine that TensorRT refuses to load: damaged, or made elsewhere."""


class ModelHangsError(EngineError):
    """A call of a system that does not return."""

    def __init__(self, stage: str, waited_s: float) -> None:
        super().__init__(stage, f"it hangs, no answer for {waited_s:.0f} s")
        self.waited_s = waited_s


class ProcessError(RuntimeFault):
    """A process of ours died or does not answer."""
