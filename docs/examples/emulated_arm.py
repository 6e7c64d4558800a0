"""Reads an emulated Koch arm and moves its first joint, with ROBOTIS' own SDK and nothing else of ours."""

import json
import subprocess
import sys
import time

import dynamixel_sdk as sdk

TORQUE_ENABLE, GOAL_POSITION, PRESENT_POSITION = 64, 116, 132

arm = subprocess.Popen(
    [sys.executable, "-m", "libra_edge.cli.main", "emulate", "koch"], stdout=subprocess.PIPE, text=True
)
hello = json.loads(arm.stdout.readline())
port, packets = sdk.PortHandler(hello["port"]), sdk.PacketHandler(2.0)
port.openPort()

positions = sdk.GroupSyncRead(port, packets, PRESENT_POSITION, 4)
for servo_id in hello["servos"]:
    positions.addParam(servo_id)
assert positions.fastSyncRead() == sdk.COMM_SUCCESS
start = positions.getData(1, PRESENT_POSITION, 4)

packets.write1ByteTxRx(port, 1, TORQUE_ENABLE, 1)
packets.write4ByteTxRx(port, 1, GOAL_POSITION, start + 200)
time.sleep(1.0)
print("servo 1 went from", start, "to", packets.read4ByteTxRx(port, 1, PRESENT_POSITION)[0])

port.closePort()
arm.terminate()
print("came over the wire:", arm.stdout.readline().strip())
