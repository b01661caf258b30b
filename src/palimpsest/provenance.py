"""What a result says of its own making: settings, code, versions, machine."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from palimpsest import sources

_CHANGES_NO_BIT = ("stack",)


def provenance(settings: Mapping[str, Any], device: str = "cpu") -> dict[str, str]:
    """Of a job with these settings; `code` is the digest of the source files that it loaded."""
    written = " ".join(
        f"{name}={value}" for name, value in sorted(settings.items()) if name not in _CHANGES_NO_BIT
    )
    machine = platform.machine()
    if device == "cuda":
        import torch

        machine = torch.cuda.get_device_name()
    return {
        "arguments": written, "code": sources.digest(), "device": machine,
        "torch": version("torch"),
    }  # fmt: skip
