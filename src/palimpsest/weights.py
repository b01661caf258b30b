"""Weights on disk: one safetensors file for a block of models, as ordinary state dicts.

The tensor `w` of the model with seed s is stored under "s/w"; the metadata name what the models
were trained on, and unlearning refuses weights that were trained on something else.
"""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from palimpsest.data.splits import Split
from palimpsest.files import InputError, atomic_path
from palimpsest.stacks.stack import StateDict


def save_states(
    path: str | Path, states: Mapping[int, StateDict], metadata: Mapping[str, str]
) -> None:
    """Write the state dict of each seed, and the metadata, to one file."""
    tensors = {
        f"{seed}/{name}": value.cpu().contiguous()
        for seed, state in states.items()
        for name, value in state.items()
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=dict(metadata))


def load_states(path: str | Path) -> tuple[dict[int, StateDict], dict[str, str]]:
    """The state dict of each seed, in the order of the seeds, and the metadata.

    `resnet9.build(facts, width=4).load_state_dict(load_states(path)[0][seed])` gives one model.
    """
    states: dict[int, StateDict] = {}
    try:
        with safe_open(path, framework="pt") as stream:
            for key in stream.keys():  # noqa: SIM118 (not a dict)
                seed, _, name = key.partition("/")
                states.setdefault(int(seed), {})[name] = stream.get_tensor(key)
            metadata = stream.metadata() or {}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of weights") from None
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not a file of weights ({error})") from None
    return dict(sorted(states.items())), metadata


def provenance(settings: Mapping[str, Any], device: str) -> dict[str, str]:
    """What a file of weights records about the run that made it: settings, versions, machine."""
    written = " ".join(f"{name}={value}" for name, value in sorted(settings.items()))
    machine = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    return {"arguments": written, "torch": torch.__version__, "device": machine}


def check_network(states: Mapping[int, StateDict], template: nn.Module, path: str | Path) -> None:
    """InputError if the models of `path` are not networks like `template`."""
    expected = {name: value.shape for name, value in template.state_dict().items()}
    for seed, state in states.items():
        if {name: value.shape for name, value in state.items()} != expected:
            raise InputError(
                f"{path}: the model of seed {seed} is another network than the one asked for; "
                "needed: the same --model and data set as in its training"
            )


def check_originals(metadata: Mapping[str, str], split: Split, path: str | Path) -> None:
    """InputError if the weights of `path` were trained on another training set than the split's."""
    if metadata.get("train_checksum") != split.train_checksum:
        raise InputError(
            f"{path}: these originals were trained on another training set than the one that the "
            "forget set was taken from"
        )
