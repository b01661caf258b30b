"""The device that models run on, and how this process uses it."""

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from palimpsest.stacks.stack import Stack


@dataclass(frozen=True)
class Device:
    """A torch device with the precision of its matrix products ("float32" or "bfloat16")."""

    name: str = "cpu"
    precision: str = "float32"

    def logits(self, stack: Stack, inputs: Tensor) -> Tensor:
        """Logits of a batch, the network in half precision where asked, the result never."""
        with self.arithmetic():
            output: Tensor = stack(inputs)
        return self.whole(output)

    def arithmetic(self) -> AbstractContextManager[None]:
        """In which a network runs in half precision where asked."""
        if self.precision != "bfloat16":
            return nullcontext()
        return torch.autocast(self.name, dtype=torch.bfloat16)

    def whole(self, output: Tensor) -> Tensor:
        """An output in a precision that losses may use."""
        return output.float() if self.precision == "bfloat16" else output

    def place(self, tensor: Tensor) -> Tensor:
        """The tensor on this device."""
        return tensor.to(self.name)

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
    return Device(name, precision)


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
