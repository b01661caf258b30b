"""Estimate the train x train datamodel matrix and measure how well it predicts.

The last `--held-out` subset models are never used for the estimate; on them predicted and measured
margins are compared. The estimate is a regression on the other subset models, or TRAK.
"""

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.datamodels.agreement import agreement
from palimpsest.datamodels.half_subsets import regress
from palimpsest.datamodels.trak import trak_matrix
from palimpsest.files import atomic_path, write_json
from palimpsest.programs import add_device, run_program
from palimpsest.sections import add_section, section
from palimpsest.training.device import open_device
from palimpsest.training.populations import builder, tensors
from palimpsest.weights import load_states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--blocks", type=Path, nargs="+", required=True, help="subset models (.npz)"
    )
    add_section(parser, "datamodels", "estimator, held-out models and their settings")
    trak = parser.add_argument_group("trak")
    trak.add_argument("--dataset", type=Path, help="dataset.npz")
    trak.add_argument("--split", type=Path, help="base split")
    trak.add_argument("--weights", type=Path, nargs="+", help="originals (.safetensors)")
    add_section(parser, "model", "architecture of the originals")
    add_device(parser)
    parser.add_argument("--out-matrix", type=Path, required=True, help="weights (.npz)")
    parser.add_argument("--out-agreement", type=Path, required=True, help="agreement (.json)")
    args = parser.parse_args()

    settings = section(args, "datamodels")
    estimator, held_out = settings["estimator"], settings["held_out"]
    blocks = [read_arrays(path, ["chosen", "margins"]) for path in args.blocks]
    chosen = np.concatenate([block["chosen"] for block in blocks])
    margins = np.concatenate([block["margins"] for block in blocks])
    if held_out > len(chosen):
        raise ValueError(f"held_out is {held_out}; allowed: at most {len(chosen)}, the models")
    finite = np.isfinite(margins).all(axis=1)
    fit = finite & (np.arange(len(chosen)) < len(chosen) - held_out)
    test = finite & ~fit & (np.arange(len(chosen)) >= len(chosen) - held_out)
    if estimator == "half_subsets":
        weights = regress(chosen[fit], margins[fit], settings["ridge"])
    else:
        weights = _trak(args, settings["trak"])
    result = agreement(weights, chosen[test], margins[test])
    logging.info("rank correlation %.3f on %d subsets", result.correlation, result.subsets)
    models = settings["trak"]["checkpoints"] if estimator == "trak" else int(fit.sum())
    with atomic_path(args.out_matrix) as temporary:
        np.savez(temporary, weights=weights)
    write_json(
        args.out_agreement,
        dataclasses.asdict(result)
        | {
            "estimator": estimator,
            "models": models,
            "diverged_models": int((~finite).sum()),
        },
    )


def _trak(args: argparse.Namespace, settings: dict[str, Any]) -> np.ndarray:
    """TRAK scores of the training points, from the first originals of a block."""
    missing = [name for name in ("dataset", "split", "weights") if getattr(args, name) is None]
    if missing:
        raise ValueError(f"the estimator trak also needs --{missing[0]}")
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    states = [state for path in args.weights for state in load_states(path)[0].values()]
    checkpoints = settings["checkpoints"]
    if len(states) < checkpoints:
        raise ValueError(f"checkpoints is {checkpoints}; allowed: 1 to {len(states)}")
    device = open_device(args.device, args.precision)
    inputs, labels = tensors(dataset, device)
    matrix = trak_matrix(
        builder(section(args, "model"), dataset)().to(device.name),
        states[:checkpoints],
        inputs[split.train],
        labels[split.train],
        dimension=settings["dimension"],
        seed=settings["seed"],
    )
    return matrix.cpu().numpy()


if __name__ == "__main__":
    run_program(main)
