"""Load a data set and write it, with its base split, for every later step."""

import argparse
import logging
from pathlib import Path

from palimpsest.data.sources import SOURCES, load_dataset
from palimpsest.data.splits import base_split
from palimpsest.programs import run_program, whole


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, choices=sorted(SOURCES))
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="folder of data files")
    parser.add_argument("--download", action="store_true", help="fetch missing files")
    parser.add_argument(
        "--checksums", default="official", help="official, or an md5sum-style file beside the data"
    )
    parser.add_argument("--val-fraction", type=float, default=0.2, help="without official parts")
    parser.add_argument(
        "--train-size", type=whole(1), help="training points to keep (default: all)"
    )
    parser.add_argument(
        "--val-size", type=whole(1), help="validation points to keep (default: all)"
    )
    parser.add_argument("--split-seed", type=whole(0), default=0)
    parser.add_argument("--out-dataset", type=Path, required=True, help=".npz")
    parser.add_argument("--out-split", type=Path, required=True, help=".json")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    dataset = load_dataset(
        args.name, data_dir=args.data_dir, download=args.download, checksums=args.checksums
    )
    split = base_split(
        dataset,
        val_fraction=args.val_fraction,
        train_size=args.train_size,
        val_size=args.val_size,
        seed=args.split_seed,
    )
    dataset.save(args.out_dataset)
    split.save(args.out_split)
    logging.info(
        "%s: %d points, %d classes; %d for training, %d for validation",
        dataset.name, len(dataset), dataset.classes, len(split.train), len(split.val),
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main)
