"""Command-line arguments that the programs which run models share."""

import argparse
import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from palimpsest import models
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.files import InputError, atomic_path
from palimpsest.phases import Schedule, training_schedule
from palimpsest.programs import whole
from palimpsest.training.device import Device, open_device


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """--first-seed and --models: a block of consecutive seeds."""
    group = parser.add_argument_group("block of seeds")
    group.add_argument("--first-seed", type=whole(0), required=True, help="seed of the first model")
    group.add_argument("--models", type=whole(1), required=True, help="number of models")


def seeds(args: argparse.Namespace) -> list[int]:
    """The seeds of the block."""
    return list(range(args.first_seed, args.first_seed + args.models))


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model and --width."""
    group = parser.add_argument_group("model")
    group.add_argument("--model", choices=sorted(models.ARCHITECTURES), default="resnet9")
    group.add_argument("--width", type=whole(1), required=True, help="channels of the first layer")


def build(args: argparse.Namespace, dataset: Dataset) -> Callable[[], nn.Module]:
    """What makes one untrained model for `dataset`."""
    return lambda: models.build(
        args.model,
        channels=dataset.channels,
        classes=dataset.classes,
        image_size=dataset.images.shape[-1],
        width=args.width,
    )


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The recipe of training from scratch; the defaults are the paper's."""
    group = parser.add_argument_group("recipe")
    group.add_argument("--epochs", type=whole(1), default=24)
    group.add_argument("--batch-size", type=whole(1), default=512)
    group.add_argument("--peak-lr", type=float, default=0.4)
    group.add_argument("--peak-epoch", type=float, default=5)
    group.add_argument("--momentum", type=float, default=0.9)
    group.add_argument("--weight-decay", type=float, default=5e-4)


def recipe(args: argparse.Namespace) -> Schedule:
    """The schedule of training from scratch."""
    return training_schedule(
        epochs=args.epochs,
        batch_size=args.batch_size,
        peak_lr=args.peak_lr,
        peak_epoch=args.peak_epoch,
        momentum=args.momentum,
        weight_decay=args.weight_decay,
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, --precision and --stack."""
    group = parser.add_argument_group("device")
    group.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    group.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    group.add_argument("--stack", type=whole(1), default=1, help="models run side by side")


def device(args: argparse.Namespace) -> Device:
    """The device, made ready."""
    return open_device(args.device, args.precision)


def tensors(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Normalised inputs (pool, channels, height, width) and labels (pool,)."""
    return torch.from_numpy(dataset.inputs()), torch.from_numpy(dataset.labels)


def check_split(split: Split, dataset: Dataset, path: Path) -> None:
    """InputError if the split was made for another data set."""
    if split.dataset_checksum != dataset.checksum:
        raise InputError(f"{path}: this split belongs to another data set than the one given")


def provenance(args: argparse.Namespace) -> dict[str, str]:
    """What a file of weights records about the run that made it: arguments, versions, machine."""
    settings = " ".join(f"{name}={value}" for name, value in sorted(vars(args).items()))
    return {
        "arguments": settings,
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if args.device == "cuda" else platform.machine(),
    }


def save_logits(path: Path, logits: np.ndarray, points: np.ndarray, seeds: list[int]) -> None:
    """Write logits (points, models, classes) as float32 with their points and seeds."""
    with atomic_path(path) as temporary:
        np.savez(temporary, logits=logits, points=points, seeds=np.array(seeds))
