"""Choose a forget set in the training set of a base split and write the split that has it."""

import argparse
import logging
from pathlib import Path

import numpy as np

from palimpsest.arrays import read_arrays
from palimpsest.data.forget_sets import (
    component_forget_set,
    component_projection,
    forget_set_from_file,
    random_forget_set,
)
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.programs import run_program, whole


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", type=Path, required=True, help="the base split, .json")
    parser.add_argument("--kind", required=True, choices=["random", "principal_component", "file"])
    parser.add_argument("--out", type=Path, required=True, help="the split with its forget set")
    random = parser.add_argument_group("--kind random")
    random.add_argument("--size", type=whole(1))
    random.add_argument("--seed", type=whole(0))
    component = parser.add_argument_group("--kind principal_component")
    component.add_argument("--datamodel", type=Path, help=".npz with the array weights")
    component.add_argument("--component", type=whole(1), help="counted from 1")
    component.add_argument("--top", type=whole(0), help="points of highest projection")
    component.add_argument("--bottom", type=whole(0), default=0, help="points of lowest projection")
    file = parser.add_argument_group("--kind file")
    file.add_argument("--path", type=Path, help="pool indices: .npz, .npy, .json or .txt")
    file.add_argument("--key", help="the array of a .npz, or the key of a .json")
    args = parser.parse_args()
    needed = {
        "random": ["size", "seed"],
        "principal_component": ["datamodel", "component", "top"],
        "file": ["path"],
    }
    missing = [name for name in needed[args.kind] if getattr(args, name) is None]
    if missing:
        parser.error(f"--kind {args.kind} needs --{missing[0]}")
    return args


def choose(args: argparse.Namespace, split: Split) -> np.ndarray:
    """The pool indices of the forget set."""
    if args.kind == "random":
        return random_forget_set(split.train, args.size, args.seed)
    if args.kind == "file":
        return forget_set_from_file(args.path, args.key)
    weights = read_arrays(args.datamodel, ["weights"])["weights"]
    if weights.shape != (len(split.train), len(split.train)):
        raise InputError(
            f"{args.datamodel}: weights have shape {weights.shape}; needed: a row and a column for "
            f"each of the {len(split.train)} training points"
        )
    projection = component_projection(weights, args.component)
    return component_forget_set(projection, split.train, args.top, args.bottom)


def main() -> None:
    args = arguments()
    base = Split.load(args.split)
    split = base.with_forget(choose(args, base))
    split.save(args.out)
    logging.info("%d points to forget, %d to retain", len(split.forget), len(split.retain))


if __name__ == "__main__":
    run_program(main)
