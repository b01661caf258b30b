"""What the models of the library transformers share: their sizes, and a local folder of weights.

Such a folder is what `save_pretrained` writes: config.json, and the weights in model.safetensors or
pytorch_model.bin. Its config.json may leave out what is the library's default. Nothing is fetched.

Attention is the library's "eager" form, matrix products and a softmax one after the other: the same
sums whatever the processor. The fused forms choose theirs by shape and device, on a GPU some add
gradients in no fixed order, and at 64 tokens they are no faster on a CPU.

Reading this file needs neither torch nor transformers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palimpsest.data.facts import Facts
from palimpsest.files import InputError, SettingError, one_line, read_text
from palimpsest.values import LARGEST

if TYPE_CHECKING:
    from torch import nn

ATTENTION = "eager"
WEIGHTS = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)  # fmt: skip
_NEEDED = f"a folder with config.json and {WEIGHTS[0]} or {WEIGHTS[2]}"


def check_sizes(settings: Mapping[str, Any], dim: int, heads: int, names: Sequence[str]) -> None:
    """SettingError for one of the sizes `names` beside `pretrained`, and for heads that do not cut
    dim evenly."""
    folder = settings["pretrained"]
    for name in names:
        if folder is not None and settings[name] is not None:
            found = f"is {settings[name]}, and pretrained is {folder}, which decides it"
            raise SettingError(name, found, "null beside pretrained")
    if dim % heads:
        raise SettingError("heads", f"is {heads}", f"a divisor of dim, which is {dim}")


def read_sizes(folder: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes in a folder's config.json, by the library's names; `defaults` where it is not
    there, as on a machine that only looks at a run."""
    file = Path(folder, "config.json")
    found = read_config(folder) if file.is_file() else {}
    return {name: found.get(name, default) for name, default in defaults.items()}


def check_folder(folder: str, kind: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Its sizes; SettingError unless it is a folder with weights of a model of this kind."""
    if not Path(folder).is_dir():
        found = "no folder" if Path(folder).exists() else "not there"
        raise SettingError("pretrained", f"is {folder}, which is {found}", _NEEDED)
    for name, other in (("config.json", ()), (WEIGHTS[0], WEIGHTS[1:])):
        if not any(Path(folder, one).is_file() for one in (name, *other)):
            raise SettingError("pretrained", f"is {folder}, which holds no {name}", _NEEDED)
    named = read_config(folder).get("model_type")
    if named != kind:
        found = f"is {folder}, whose config.json has the model_type {json.dumps(named)}"
        raise SettingError("pretrained", found, f"a folder with the weights of a {kind}")
    sizes = read_sizes(folder, defaults)
    for name, value in sizes.items():
        whole = value if isinstance(value, list) else [value]
        right = value is None and defaults[name] is None
        if not right and not all(type(n) is int and 0 < n <= LARGEST for n in whole):
            found = f"is {folder}, whose config.json has the {name} {json.dumps(value)[:60]}"
            raise SettingError("pretrained", found, "a number of at least 1 there")
    return sizes


def check_texts(folder: str, data: Facts, vocabulary: int, context: int) -> None:
    """SettingError unless a folder's model knows the texts' tokens and reads so many."""
    if vocabulary != data.vocabulary:
        found = (
            f"is {folder}, which knows {vocabulary} kinds of tokens, and those of the data set are "
            f"{data.vocabulary}"
        )
        raise SettingError("pretrained", found, "a model with the tokenizer of the data set")
    if data.item[-1] > context:
        found = f"is {folder}, which reads {context} tokens, and the texts have {data.item[-1]}"
        raise SettingError("pretrained", found, f"texts cut to {context} tokens, or another model")


def load(kind: type[Any], folder: str, config: Any, head: Sequence[str] = ()) -> nn.Module:
    """The network of class `kind` with a folder's weights, in float32.

    Layers named in `head` start anew where the folder has none, or others (another number of
    classes). InputError where any other weight is missing or of another shape.
    """
    import torch

    try:
        network, report = kind.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:  # a damaged file can fail in any way
        raise InputError(f"{folder}: its weights cannot be read ({one_line(error)})") from None
    odd = [name for name, *_ in report["mismatched_keys"]]
    for found, names in (("are missing", report["missing_keys"]), ("have another shape", odd)):
        wrong = sorted(name for name in names if name.partition(".")[0] not in head)
        if wrong:
            raise InputError(
                f"{folder}: the weights {wrong[0]} {found}; needed: those of a {kind.__name__}"
            )
    loaded: nn.Module = network.train()
    return loaded


def read_config(folder: str) -> dict[str, Any]:
    """What a folder's config.json holds."""
    file = Path(folder, "config.json")
    try:
        found = json.loads(read_text(file))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read ({one_line(error)})") from None
    if not isinstance(found, dict):
        raise InputError(f"{file}: not a map of settings")
    return found
