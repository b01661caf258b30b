"""Estimate the train x train datamodel matrix and measure how well it predicts.

The last `--held-out` subset models are never used for the estimate; on them predicted and measured
margins are compared. The estimate is a regression on the other subset models, or TRAK.
"""

import argparse
import dataclasses
import logging
from pathlib import Path

import numpy as np

from palimpsest import arguments
from palimpsest.arrays import read_arrays
from palimpsest.data.datasets import Dataset
from palimpsest.data.splits import Split
from palimpsest.datamodels.agreement import agreement
from palimpsest.datamodels.half_subsets import regress
from palimpsest.datamodels.trak import trak_matrix
from palimpsest.files import atomic_path, write_json
from palimpsest.models.weights import load_states
from palimpsest.programs import run_program, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--estimator", choices=["half_subsets", "trak"], required=True)
    parser.add_argument(
        "--blocks", type=Path, nargs="+", required=True, help="subset models (.npz)"
    )
    parser.add_argument("--held-out", type=whole(1), required=True, help="subset models to test on")
    parser.add_argument("--ridge", type=float, nargs="+", default=[100.0], help="penalties to try")
    trak = parser.add_argument_group("trak")
    trak.add_argument("--dataset", type=Path, help="dataset.npz")
    trak.add_argument("--split", type=Path, help="base split")
    trak.add_argument("--weights", type=Path, nargs="+", help="originals (.safetensors)")
    trak.add_argument("--checkpoints", type=whole(1), default=5, help="originals to use")
    trak.add_argument("--dimension", type=whole(1), default=512, help="of the projected gradients")
    trak.add_argument("--projection-seed", type=whole(0), default=0)
    arguments.add_model(parser)
    arguments.add_device(parser)
    parser.add_argument("--out-matrix", type=Path, required=True, help="weights (.npz)")
    parser.add_argument("--out-agreement", type=Path, required=True, help="agreement (.json)")
    args = parser.parse_args()

    device = arguments.device(args)
    blocks = [read_arrays(path, ["chosen", "margins"]) for path in args.blocks]
    chosen = np.concatenate([block["chosen"] for block in blocks])
    margins = np.concatenate([block["margins"] for block in blocks])
    if not 0 < args.held_out <= len(chosen):
        raise ValueError(f"--held-out is {args.held_out}; allowed: 1 to {len(chosen)}")
    finite = np.isfinite(margins).all(axis=1)
    fit = finite & (np.arange(len(chosen)) < len(chosen) - args.held_out)
    test = finite & ~fit & (np.arange(len(chosen)) >= len(chosen) - args.held_out)
    if args.estimator == "half_subsets":
        weights = regress(chosen[fit], margins[fit], args.ridge)
    else:
        weights = _trak(args, device.name)
    result = agreement(weights, chosen[test], margins[test])
    logging.info("rank correlation %.3f on %d subsets", result.correlation, result.subsets)
    with atomic_path(args.out_matrix) as temporary:
        np.savez(temporary, weights=weights)
    write_json(
        args.out_agreement,
        dataclasses.asdict(result)
        | {
            "estimator": args.estimator,
            "models": int(fit.sum()) if args.estimator == "half_subsets" else args.checkpoints,
            "diverged_models": int((~finite).sum()),
        },
    )


def _trak(args: argparse.Namespace, device: str) -> np.ndarray:
    """TRAK scores of the training points, from the first originals of a block."""
    missing = [name for name in ("dataset", "split", "weights") if getattr(args, name) is None]
    if missing:
        raise ValueError(f"--estimator trak also needs --{missing[0]}")
    dataset, split = Dataset.load(args.dataset), Split.load(args.split)
    states = [state for path in args.weights for state in load_states(path)[0].values()]
    if len(states) < args.checkpoints:
        raise ValueError(f"--checkpoints is {args.checkpoints}; allowed: 1 to {len(states)}")
    states = states[: args.checkpoints]
    inputs, labels = arguments.tensors(dataset)
    matrix = trak_matrix(
        arguments.build(args, dataset)().to(device),
        states,
        inputs[split.train].to(device),
        labels[split.train].to(device),
        dimension=args.dimension,
        seed=args.projection_seed,
    )
    return matrix.cpu().numpy()


if __name__ == "__main__":
    run_program(main)
