"""Work for a GPU that needs no TensorRT: chains of matrix products, compiled where they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from libra_edge.runtime.cuda.faults import checked
from libra_edge.runtime.cuda.gpu import Gpu
from libra_edge.runtime.cuda.memory import DeviceMemory

TILE = 16
SOURCE = b"""
extern "C" __global__ void product(const float* a, const float* b, float* c, int n, int k) {
    __shared__ float left[16][16], right[16][16];
    int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    float sum = 0.0f;
    for (int tile = 0; tile < k / 16; ++tile) {
        left[threadIdx.y][threadIdx.x] = a[row * k + tile * 16 + threadIdx.x];
        right[threadIdx.y][threadIdx.x] = b[(tile * 16 + threadIdx.y) * n + column];
        __syncthreads();
        for (int i = 0; i < 16; ++i) sum += left[threadIdx.y][i] * right[i][threadIdx.x];
        __syncthreads();
    }
    c[row * n + column] = sum;
}
"""
"""c [m, n] = a [m, k] b [k, n], float32, row by row; m, n and k are multiples of 16."""


class Products:
    """`x @ w[0] @ w[1] ...`, x float32 [rows, width], each w float32 [width, width], orthogonal: nothing grows or dies.

    Attributes:
        input_address: set it before the first `enqueue`: where x lies on the GPU.
        output_address: likewise: where the last product goes.
        weights: the matrices, float32 [products, width, width].
    """

    def __init__(self, gpu: Gpu, rows: int, width: int, products: int, seed: int = 0) -> None:
        """`rows` and `width` are multiples of 16. Raises EngineError."""
        self._gpu = gpu
        self._rows, self._width = rows, width
        self.input_address = self.output_address = 0
        basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))
        self.weights = np.stack([np.roll(basis, number, axis=0) for number in range(products)]).astype(np.float32)
        self._kernel = _kernel(gpu)
        self._matrix = DeviceMemory(gpu, self.weights.nbytes)
        self._between = [DeviceMemory(gpu, rows * width * 4) for _ in range(2)]
        with gpu.current():
            gpu.call("weights", "cuMemcpyHtoD", self._matrix.address, self.weights.ctypes.data, self.weights.nbytes)

    @property
    def flops(self) -> int:
        """Of one execution."""
        return 2 * self._rows * self._width * self._width * len(self.weights)

    def enqueue(self, stream: int) -> None:
        """Enqueue all products on the stream of this handle. Raises EngineError."""
        source = self.input_address
        for number in range(len(self.weights)):
            last = number == len(self.weights) - 1
            target = self.output_address if last else self._between[number % 2].address
            matrix = self._matrix.address + number * self._width * self._width * 4
            self._launch(stream, (source, matrix, target))
            source = target

    def _launch(self, stream: int, addresses: Sequence[int]) -> None:
        values = (*addresses, self._width, self._width)
        arguments = np.array([np.array(value, np.int64) for value in values])
        places = np.array([argument.ctypes.data for argument in np.split(arguments, len(values))], np.uint64)
        grid = (self._width // TILE, self._rows // TILE, 1)
        # Little-endian: the kernel reads the lower half of the two numbers that it takes as int.
        self._gpu.call(
            "product", "cuLaunchKernel", self._kernel, *grid, TILE, TILE, 1, 0, stream, places.ctypes.data, 0
        )


def _kernel(gpu: Gpu) -> Any:
    """The kernel, compiled for this GPU."""
    from cuda.bindings import nvrtc  # noqa: PLC0415 - only where there is a GPU

    program = checked("NVRTC", nvrtc.nvrtcCreateProgram(SOURCE, b"product.cu", 0, [], []))
    checked("NVRTC", nvrtc.nvrtcCompileProgram(program, 1, [f"--gpu-architecture=sm_{_architecture(gpu)}".encode()]))
    image = b" " * checked("NVRTC", nvrtc.nvrtcGetCUBINSize(program))
    checked("NVRTC", nvrtc.nvrtcGetCUBIN(program, image))
    with gpu.current():
        module = gpu.call("product", "cuModuleLoadData", image)
        return gpu.call("product", "cuModuleGetFunction", module, b"product")


def _architecture(gpu: Gpu) -> str:
    attribute = gpu.cuda.pycuda.device_attribute
    device = gpu.cuda.pycuda.Device(0)
    major, minor = attribute.COMPUTE_CAPABILITY_MAJOR, attribute.COMPUTE_CAPABILITY_MINOR
    return f"{device.get_attribute(major)}{device.get_attribute(minor)}"
