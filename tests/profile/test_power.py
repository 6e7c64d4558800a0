"""Power and heat on trees of files as Linux lays them out on a Jetson; elsewhere nothing, which is not 0."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from libra_edge.errors import ConfigError
from libra_edge.profiling import machine_watch
from libra_edge.profiling.heat import over_current_events, risen, tells_heat, temperatures_c, too_hot
from libra_edge.profiling.machine_watch import MachineWatch, watched_machine
from libra_edge.profiling.power_rails import power_rails, total_watts, watts_now

NANO = {"1-0040": (("VDD_IN", 5048, 1240), ("VDD_CPU_GPU_CV", 5040, 336), ("VDD_SOC", 5040, 328))}
AGX = {
    "1-0040": (("VDD_GPU_SOC", 19112, 312), ("VDD_CPU_CV", 19112, 104), ("VIN_SYS_5V0", 4952, 880)),
    "1-0041": (("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 4952, 160), ("NC", 0, 0)),
}


def write(file: Path, text: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def lay_out(root: Path, monitors: Mapping[str, tuple[tuple[str, int, int], ...]]) -> Path:
    """As the kernel's ina3221 driver does; in7 is the sum of the shunt voltages, no rail."""
    for number, (address, rails) in enumerate(monitors.items()):
        folder = root / "sys/bus/i2c/drivers/ina3221" / address / f"hwmon/hwmon{number}"
        write(folder / "in7_label", "sum of shunt voltages")
        for channel, (label, millivolts, milliamperes) in enumerate(rails, start=1):
            write(folder / f"in{channel}_label", label)
            write(folder / f"in{channel}_input", millivolts)
            write(folder / f"curr{channel}_input", milliamperes)
    return root


def zone(root: Path, number: int, kind: str, millidegrees: object, passive: int = 99_000) -> None:
    folder = root / f"sys/class/thermal/thermal_zone{number}"
    write(folder / "type", kind)
    write(folder / "temp", millidegrees)
    write(folder / "trip_point_0_type", "critical")
    write(folder / "trip_point_0_temp", 40_000)
    write(folder / "trip_point_1_type", "passive")
    write(folder / "trip_point_1_temp", passive)


def test_the_rails_of_an_orin_nano(tmp_path: Path) -> None:
    watts = watts_now(power_rails(lay_out(tmp_path, NANO)))
    assert watts == pytest.approx({"VDD_IN": 6.25952, "VDD_CPU_GPU_CV": 1.69344, "VDD_SOC": 1.65312})
    assert total_watts(watts) == pytest.approx(6.25952), "VDD_IN is the module, the others are within it"


def test_the_rails_of_an_agx_orin(tmp_path: Path) -> None:
    watts = watts_now(power_rails(lay_out(tmp_path, AGX)))
    assert "NC" not in watts
    assert total_watts(watts) == pytest.approx(19.112 * 0.312 + 19.112 * 0.104 + 4.952 * 0.88)


def test_rails_that_nobody_knows_have_no_total(tmp_path: Path) -> None:
    rails = power_rails(lay_out(tmp_path, {"1-0040": (("VDD_CORE", 5000, 1000),)}))
    assert watts_now(rails) == {"VDD_CORE": 5.0}
    assert total_watts(watts_now(rails)) is None


def test_a_machine_without_monitors_has_no_power(tmp_path: Path) -> None:
    with watched_machine(tmp_path) as machine:
        pass
    assert machine.rails_w(0, 2**62) is None
    assert machine.hottest_c == {}
    assert machine.throttled is None, "nothing here would tell"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_one_sentence(tmp_path: Path) -> None:
    lay_out(tmp_path, NANO)
    (locked,) = tmp_path.rglob("curr1_input")
    locked.chmod(0)
    with pytest.raises(ConfigError, match=r"no permission to read .*curr1_input; .*as root"):
        power_rails(tmp_path)


def test_permission_that_is_refused_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, NANO)
    real = Path.read_text

    def refused(path: Path, *args: object, **options: object) -> str:
        if path.name == "curr1_input":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(ConfigError, match=r"no permission to read .*curr1_input; .*as root") as caught:
        power_rails(tmp_path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "nan volts", "\x00"])
def test_a_monitor_that_shows_no_number(tmp_path: Path, text: str) -> None:
    lay_out(tmp_path, NANO)
    (file,) = tmp_path.rglob("in2_input")
    file.write_text(text)
    with pytest.raises(ConfigError, match="holds no number"):
        power_rails(tmp_path)


def test_power_is_a_mean_over_the_time_asked_for(tmp_path: Path) -> None:
    rails = power_rails(lay_out(tmp_path, NANO))
    watch = MachineWatch()
    watch.sample(tmp_path, rails)
    (current,) = tmp_path.rglob("curr1_input")
    write(current, 2480)
    watch.sample(tmp_path, rails)
    first_ns, second_ns = (time_ns for time_ns, _ in watch.watts)
    means = [watch.rails_w(0, second_ns), watch.rails_w(0, first_ns), watch.rails_w(second_ns + 1, 2**62)]
    totals = [None if rails is None else total_watts(rails) for rails in means]
    assert totals[0] == pytest.approx(1.5 * 6.25952)
    assert totals[1] == pytest.approx(6.25952)
    assert totals[2] is None


def test_sampling_goes_on_in_its_thread_and_tells_what_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_watch, "EVERY_S", 0.001)
    lay_out(tmp_path, NANO)
    with pytest.raises(ConfigError, match="curr3_input"):
        lose_a_monitor(tmp_path)


def lose_a_monitor(root: Path) -> None:
    """In the middle of watching."""
    (file,) = root.rglob("curr3_input")
    with watched_machine(root) as machine:
        while len(machine.watts) < 3:
            time.sleep(0.001)
        file.unlink()
        (sampling,) = (thread for thread in threading.enumerate() if thread.name == "machine")
        sampling.join()


def test_temperatures_and_a_sensor_that_is_asleep(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", 47_812)
    zone(tmp_path, 1, "gpu-thermal", "")
    assert temperatures_c(tmp_path) == {"cpu-thermal": 47.812}
    assert tells_heat(tmp_path)
    assert too_hot(tmp_path) == [], "only passive trip points slow a machine down"


def test_heat_and_current_that_hold_the_machine_back_are_told_once(tmp_path: Path) -> None:
    zone(tmp_path, 0, "gpu-thermal", 99_500)
    counter = tmp_path / "sys/class/hwmon/hwmon3/oc3_event_cnt"
    write(counter, 4)
    with watched_machine(tmp_path) as machine:
        machine.sample(tmp_path, [])
        write(counter, 5)
    assert machine.throttled == ["gpu-thermal is too hot", "over-current event oc3"]
    assert machine.hottest_c == {"gpu-thermal": 99.5}


def test_events_of_long_ago_are_not_ours(tmp_path: Path) -> None:
    write(tmp_path / "sys/class/hwmon/hwmon3/oc1_event_cnt", 12)
    before = over_current_events(tmp_path)
    assert risen(before, over_current_events(tmp_path)) == []
    assert risen(before, {"oc1": 13, "oc2": 1}) == ["oc1"]
