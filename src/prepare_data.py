"""Load a data set and write it, with its base split, for every later step."""

import logging
from pathlib import Path

from palimpsest import registry
from palimpsest.data.datasets import Tokens
from palimpsest.data.splits import base_split
from palimpsest.programs import Parser, run_program
from palimpsest.sections import add_section, section


def main() -> None:
    parser = Parser(__doc__)
    add_section(parser, "data", "data set, its files and its split")
    parser.add_argument("--out-dataset", type=Path, required=True, help=".npz")
    parser.add_argument("--out-split", type=Path, required=True, help=".json")
    args = parser.parse_args()

    data = section(args, "data")
    name, folder = data.pop("name"), Path(data.pop("data_dir"))
    download, checksums = data.pop("download"), data.pop("checksums")
    part = {key: data.pop(key) for key in ("val_fraction", "train_size", "val_size")}
    seed = data.pop("split_seed")
    dataset = registry.make("data/sources", name, folder, download, checksums, settings=data)
    split = base_split(dataset, **part, seed=seed)
    dataset.save(args.out_dataset)
    split.save(args.out_split)
    if isinstance(dataset.encoding, Tokens) and dataset.encoding.cut:
        cut, length = dataset.encoding.cut, dataset.pool.shape[1]
        logging.info("%d of %d texts are longer than %d tokens: cut", cut, len(dataset), length)
    logging.info(
        "%s: %d points, %d classes; %d for training, %d for validation",
        dataset.name, len(dataset), dataset.classes, len(split.train), len(split.val),
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main)
