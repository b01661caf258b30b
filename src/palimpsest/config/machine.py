"""Whether this machine can run a configuration: data and model files, results folder, disk,
device."""

import os
import shutil
import tempfile
from pathlib import Path

from palimpsest import models, registry
from palimpsest.config import needs
from palimpsest.config.meaning import facts_and_sizes
from palimpsest.config.network import check_layers
from palimpsest.config.origins import Origins
from palimpsest.files import InputError, memory_here

_GPU_FILES = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_GPU_PROGRAMS = ("nvidia-smi", "rocm-smi")
_SCHEDULERS = ("sbatch", "qsub", "bsub")


def check_machine(origins: Origins, root: Path) -> None:
    """Raise InputError for the first thing that is missing here; leaves nothing behind."""
    data = origins.config["data"]
    check_results(root / "results" / origins.config["run"])
    check_device(origins)
    check_memory(origins, root)
    check_disk(origins, root)
    source, own = needs.source_of(data)
    own = registry.accepted(source.check, own)
    try:
        source.check(root / data["data_dir"], data["download"], data["checksums"], **own)
    except InputError as error:
        file = origins.file_of(("data", "name"))
        raise InputError(f"{file}: data.name is {data['name']}: {error}") from None
    facts = needs.facts_of(origins.config, root)
    if facts is not None:
        with origins.below("model"):
            models.check_files(origins.config["model"], facts, root)
        check_layers(origins, facts, root)


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


def check_device(origins: Origins) -> None:
    """Refuse cuda where it is plain that no GPU is here and no scheduler can find one elsewhere."""
    if origins.config["device"] == "cuda" and not may_have_gpu():
        raise origins.error(("device",), "is cuda and this machine shows no GPU", "cpu here")


def may_have_gpu() -> bool:
    """False only where the signs are clear: Linux, no driver, no cluster to send jobs to."""
    if os.uname().sysname != "Linux" or any(map(shutil.which, _SCHEDULERS)):
        return True
    return any(map(os.path.exists, _GPU_FILES)) or any(map(shutil.which, _GPU_PROGRAMS))


def check_memory(origins: Origins, root: Path) -> None:
    """Refuse a run of which a job cannot fit into the memory here, where all jobs are run here."""
    if any(map(shutil.which, _SCHEDULERS)):
        return
    run, config = origins.config["run"], origins.config
    step, least = needs.least_mb(config, needs.facts_of(config, root))
    memory = memory_here()
    if least * needs.MB > memory:
        keys = [("model",), ("populations",), ("data",)]
        file = origins.last_of(keys[0], keys[1:])
        raise InputError(
            f"{file}: a job of {step} of the run {run} holds at least {in_units(int(least * 1e6))} "
            f"at once, and this machine has {in_units(memory)} of memory; needed: less data, a "
            "smaller model, or a smaller populations.block"
        )


def check_disk(origins: Origins, root: Path) -> None:
    """Refuse a run whose results cannot fit on the disk."""
    facts, sizes = facts_and_sizes(origins, root)
    if facts is None or sizes is None:
        return
    run = origins.config["run"]
    present = nearest(root / "results" / run)
    needed, free = needs.disk_bytes(origins.config, facts, *sizes), shutil.disk_usage(present).free
    if needed > free:
        raise InputError(
            f"{present} has {in_units(free)} free and the run {run} writes "
            f"about {in_units(needed)}; needed: as much free space"
        )


def in_units(size: int) -> str:
    """A number of bytes in the unit that fits."""
    for unit, bytes_of_it in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.1f} {unit}"
    return f"{size} bytes"


def nearest(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    path = path.absolute()
    while not os.path.lexists(path):
        path = path.parent
    return path
