"""The device that models run on, and how this process uses it."""

import ctypes
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from palimpsest.stacks.stack import Stack

WARM_UP = 3
"""runs of a step before it is captured: libraries choose kernels and take their memory in them"""


@dataclass(frozen=True)
class Device:
    """A torch device with the precision of its matrix products ("float32" or "bfloat16").

    In half precision are the products of a network and what its layers hand on, and the images.
    Weights, the sums of BatchNorm, its statistics, logits, losses, gradients as the optimiser gets
    them and its state are float32. `captures`: steps are captured (`training.captured`).
    """

    name: str = "cpu"
    precision: str = "float32"
    captures: bool = False

    def logits(self, stack: Stack, inputs: Tensor) -> Tensor:
        """Logits of a batch, the network in half precision where asked, the result never."""
        with self.arithmetic():
            output: Tensor = stack(inputs)
        return self.whole(output)

    def arithmetic(self) -> AbstractContextManager[None]:
        """In which a network runs in half precision where asked."""
        if self.precision != "bfloat16":
            return nullcontext()
        # without cache: a captured step has to cast the weights anew each time
        return torch.autocast(self.name, dtype=torch.bfloat16, cache_enabled=False)

    def whole(self, output: Tensor) -> Tensor:
        """An output in a precision that losses may use."""
        return output.float() if self.precision == "bfloat16" else output

    def place(self, tensor: Tensor) -> Tensor:
        """The tensor on this device."""
        return tensor.to(self.name)

    def send(self, tensor: Tensor) -> Tensor:
        """A host's tensor on this device; neither the host nor the device waits for the other."""
        if self.name != "cuda":
            return tensor.to(self.name)
        return tensor.pin_memory().to(self.name, non_blocking=True)

    def keep_images(self, inputs: Tensor) -> Tensor:
        """Images (pool, channels, height, width) on the device as captured steps read them: the
        channels of a pixel side by side, so that a batch is gathered without a copy, and in half
        precision where the first layer rounds to it anyway. Whatever else as it is."""
        if not self.captures or inputs.dim() != 4:
            return inputs
        half = self.precision == "bfloat16" and inputs.dtype == torch.float32
        inputs = inputs.bfloat16() if half else inputs
        return inputs.contiguous(memory_format=torch.channels_last)

    def capturer(self) -> Callable[[Callable[[], None]], Callable[[], None]]:
        """What turns a step, a function that finds all it needs at fixed addresses of this device,
        into one that does the same: its CUDA graph, or, on the CPU, itself.

        To make a graph the step is run some times, on the CPU never. The graphs of one capturer
        share memory: their steps may only be run one after the other.
        """
        if self.name != "cuda":
            return lambda step: step
        stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()

        def capture(step: Callable[[], None]) -> Callable[[], None]:
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool, stream=stream):
                step()
            return graph.replay

        return capture

    def wait(self) -> None:
        """Wait for all work on the device; call before reading a clock."""
        if self.name == "cuda":
            torch.cuda.synchronize()


def open_device(name: str, precision: str) -> Device:
    """Prepare the process: one thread on the CPU, deterministic arithmetic, memory kept.

    Raises:
        ValueError: `cuda` is asked for and there is no GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: 'cuda' is set, but torch finds no GPU; allowed here is 'cpu'")
    torch.set_num_threads(1)  # sums in one order: the same bits whatever else the machine does
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = precision != "float32"
    if sys.platform == "linux":
        _keep_freed_memory()
    return Device(name, precision, captures=name == "cuda")


def _keep_freed_memory() -> None:
    """Let glibc keep freed activations instead of handing them back at every step: about 1.2 x, and
    2 x where arrays are larger than 32 MB, such as the logits of next tokens, which it would else
    map and clear anew each time."""
    trim_threshold, top_pad, mmap_threshold, mmap_max = -1, -2, -3, -4
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_threshold, 32 << 20)
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 64 << 20)
