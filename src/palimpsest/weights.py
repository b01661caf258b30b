"""Weights on disk: one safetensors file for a block of models, as ordinary state dicts.

The tensor `w` of the model with seed s is stored under "s/w"; the metadata name what the models are
and were trained on, and unlearning refuses all but the originals of its training set. They hold the
checksum of all the rest, too, and stand in the order of their names, so that equal models are equal
bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from palimpsest.data.splits import Split
from palimpsest.files import (
    AGAIN,
    SEAL_KEY,
    InputError,
    altered,
    atomic_path,
    one_line,
    regular_file,
)
from palimpsest.population import Kind, Population, check_population
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
        save_file(tensors, temporary)
        header, data = _parts(temporary)
        header["__metadata__"] = dict(metadata)
        sealed = {**metadata, SEAL_KEY: _checksum_of(header, data)}
        header["__metadata__"] = dict(sorted(sealed.items()))  # the library's order is random
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)  # the format wants the tensors aligned
        temporary.write_bytes(len(text).to_bytes(8, "little") + text + data)


def load_states(path: str | Path) -> tuple[dict[int, StateDict], dict[str, str]]:
    """The state dict of each seed, in the order of the seeds, and the metadata.

    `resnet9.build(facts, width=4).load_state_dict(load_states(path)[0][seed])` gives one model.
    """
    regular_file(path, "file of weights")
    states: dict[int, StateDict] = {}
    try:
        with safe_open(path, framework="pt") as stream:
            for key in stream.keys():  # noqa: SIM118 (not a dict)
                seed, _, name = key.partition("/")
                states.setdefault(int(seed), {})[name] = stream.get_tensor(key)
            metadata = stream.metadata() or {}
        header, data = _parts(path)
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(f"{path}: not a file of weights ({one_line(error)}){AGAIN}") from None
    if metadata.pop(SEAL_KEY, None) != _checksum_of(header, data):
        raise InputError(altered(path))
    return dict(sorted(states.items())), metadata


def _checksum_of(header: Mapping[str, Any], data: bytes) -> str:
    """Of the header without the checksum itself, and of the tensors."""
    metadata = {k: value for k, value in header.get("__metadata__", {}).items() if k != SEAL_KEY}
    rest = json.dumps({**header, "__metadata__": metadata}, sort_keys=True)
    return hashlib.sha256(rest.encode() + b"\n" + data).hexdigest()


def _parts(path: str | Path) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and the bytes of its tensors."""
    whole = Path(path).read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    header: dict[str, Any] = json.loads(whole[8:start])
    return header, whole[start:]


def load_first(path: str | Path, models: int | None) -> tuple[dict[int, StateDict], dict[str, str]]:
    """`load_states` of the first so many models (None: all); InputError if there are fewer."""
    states, metadata = load_states(path)
    if models is not None and models > len(states):
        raise InputError(f"{path}: holds {len(states)} models; needed: {models}")
    return dict(list(states.items())[:models]), metadata


def check_network(states: Mapping[int, StateDict], template: nn.Module, path: str | Path) -> None:
    """InputError if the models of `path` are not networks like `template`."""
    expected = {name: value.shape for name, value in template.state_dict().items()}
    for seed, state in states.items():
        if {name: value.shape for name, value in state.items()} != expected:
            raise InputError(
                f"{path}: the model of seed {seed} is another network than the one asked for; "
                "needed: the same --model and data set as in its training"
            )


def trained_on(split: Split) -> dict[str, str]:
    """Metadata that say what models are that were trained on the retain set of a split."""
    kind = Population.trained_on(split).kind
    checksums = {"train_checksum": split.train_checksum, "split_checksum": split.checksum}
    return {"population": kind, **checksums}


def check_originals(metadata: Mapping[str, str], split: Split, path: str | Path) -> None:
    """InputError unless the weights of `path` are originals, of the split's training set."""
    _check(metadata, "original", split, path)


def check_retrained(metadata: Mapping[str, str], split: Split, path: str | Path) -> None:
    """InputError unless the weights of `path` are oracles, trained on the split's retain set."""
    _check(metadata, "oracle", split, path)


def _check(metadata: Mapping[str, str], kind: Kind, split: Split, path: str | Path) -> None:
    written = metadata.get("population")
    checksum = metadata.get("train_checksum" if written == "original" else "split_checksum")
    found = Population(written, checksum) if written and checksum else None
    check_population(found, path, Population.of(kind, split))
