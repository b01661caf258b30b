"""Whether this machine can run a configuration: data files, results folder, disk, device."""

import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from palimpsest.config_meaning import combinations, set_sizes
from palimpsest.config_sources import Sources
from palimpsest.data.sources import check_available
from palimpsest.files import InputError

_GPU_FILES = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_GPU_PROGRAMS = ("nvidia-smi", "rocm-smi")
_SCHEDULERS = ("sbatch", "qsub", "bsub")
_WEIGHTS_AT_WIDTH_64 = 2_270_000
_BYTES = 4


def check_machine(sources: Sources, root: Path) -> None:
    """Raise InputError for the first thing that is missing here; leaves nothing behind."""
    data = sources.config["data"]
    check_results(root / "results" / sources.config["run"])
    check_device(sources)
    check_disk(sources, root)
    try:
        check_available(data["name"], root / data["data_dir"], data["download"], data["checksums"])
    except InputError as error:
        file = sources.file_of(("data", "name"))
        raise InputError(f"{file}: data.name is {data['name']}: {error}") from None


def check_results(folder: Path) -> None:
    """Whether `folder` can be written, or made in its nearest existing parent."""
    present = nearest(folder)
    allowed = f"a folder that can be written, for the results in {folder}"
    if not present.is_dir():
        raise InputError(f"{present} is not a folder; needed: {allowed}")
    try:
        if not os.access(present, os.W_OK | os.X_OK):
            raise PermissionError
        with tempfile.TemporaryFile(dir=present):
            pass
    except OSError:
        raise InputError(f"{present} cannot be written; needed: {allowed}") from None


def check_device(sources: Sources) -> None:
    """Refuse cuda where it is plain that no GPU is here and no scheduler can find one elsewhere."""
    if sources.config["device"] != "cuda" or may_have_gpu():
        return
    raise sources.error(("device",), "is cuda and this machine shows no GPU", "cpu here")


def may_have_gpu() -> bool:
    """False only where the signs are clear: Linux, no driver, no cluster to send jobs to."""
    if os.uname().sysname != "Linux" or any(map(shutil.which, _SCHEDULERS)):
        return True
    return any(map(os.path.exists, _GPU_FILES)) or any(map(shutil.which, _GPU_PROGRAMS))


def check_disk(sources: Sources, root: Path) -> None:
    """Refuse a run whose results cannot fit on the disk."""
    sizes = set_sizes(sources, root)
    if sizes is None:
        return
    present = nearest(root / "results" / sources.config["run"])
    needed, free = disk_need(sources.config, *sizes), shutil.disk_usage(present).free
    if needed > free:
        raise InputError(
            f"{present} has {free / 1e9:.1f} GB free and the run {sources.config['run']} writes "
            f"about {needed / 1e9:.1f} GB; needed: as much free space"
        )


def disk_need(config: Any, train: int, val: int) -> int:
    """A rough count of the bytes that a run keeps: weights of the originals, margins of all models.

    Margins: float32 for each model of each population and of each setting, at each point.
    """
    populations, ascent, datamodels = config["populations"], config["ascent"], config["datamodels"]
    models, sets = populations["models"], ascent["forget_sets"]
    settings = sum(
        len(combinations(config["grids"][method]))
        for method in ascent["methods"]
        if method != "nothing"
    )
    measured = models * (1 + len(populations["second_oracle"]) + len(sets) * (1 + settings))
    by_component = any(
        config["forget_sets"][name]["kind"] == "principal_component" for name in sets
    )
    if by_component and datamodels["estimator"] == "half_subsets":
        measured += datamodels["models"]
    scale = (config["model"]["width"] / 64) ** 2
    weights = math.ceil(models * _WEIGHTS_AT_WIDTH_64 * scale)
    matrix = train * train if by_component else 0
    return _BYTES * (measured * (train + val) + weights + matrix)


def nearest(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    path = path.absolute()
    while not os.path.lexists(path):
        path = path.parent
    return path
