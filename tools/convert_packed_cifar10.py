"""Turn CIFAR-10 packed as JPEG bytes (.npz) into python batches that torchvision reads.

A packed file holds `data` uint8 (all JPEG files one after the other), `offsets` int64 (images + 1),
`labels` uint8, `orig_index` int32 (place in the official order) and `class_names`. The batches go
to FOLDER/cifar-10-batches-py, with the file MD5SUMS: set data_dir to FOLDER, and checksums to
MD5SUMS.
"""

import argparse
import io
import pickle
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from palimpsest.arrays import read_arrays
from palimpsest.data.sources import cifar10
from palimpsest.files import InputError, atomic_path
from palimpsest.programs import Parser, run_program

ARRAYS = ["data", "offsets", "labels", "orig_index", "class_names"]


def arguments() -> argparse.Namespace:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="packed training images, .npz")
    parser.add_argument("--test", type=Path, required=True, help="packed test images, .npz")
    parser.add_argument(
        "--folder", type=Path, required=True, help="where they go, the later data_dir"
    )
    return parser.parse_args()


def unpack(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images uint8 (points, 3, 32, 32) and labels in official order, and the class names."""
    arrays = read_arrays(path, ARRAYS, own=True)
    data, offsets, labels, order = (arrays[name] for name in ARRAYS[:4])
    names = [str(name) for name in arrays["class_names"]]
    if any(array.ndim != 1 for array in arrays.values()):
        raise InputError(f"{path}: not packed images; needed: arrays of one axis")
    if not len(offsets) - 1 == len(labels) == len(order):
        raise InputError(
            f"{path}: {len(offsets) - 1} images, {len(labels)} labels and {len(order)} places in "
            "the official order; needed: as many of each"
        )
    if any(array.dtype.kind not in "iu" for array in (offsets, labels, order)):
        raise InputError(f"{path}: offsets, labels or orig_index are no integers")
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise InputError(f"{path}: orig_index is not each of 0..{len(order) - 1} once")
    if data.dtype != np.uint8 or offsets[0] != 0 or offsets[-1] != len(data):
        raise InputError(f"{path}: offsets do not cover the {len(data)} bytes of data")
    for label in (labels.min(initial=0), labels.max(initial=0)):
        if not 0 <= label < len(names):
            raise InputError(f"{path}: label {label}; allowed: 0 to {len(names) - 1}")
    images = np.empty((len(order), 3, 32, 32), np.uint8)
    for row, place in enumerate(order):
        images[place] = decode(data[offsets[row] : offsets[row + 1]].tobytes(), path, row)
    return images, labels[np.argsort(order)], names


def decode(content: bytes, path: Path, row: int) -> np.ndarray:
    """One image as uint8 (3, 32, 32); its size is looked at before it is unpacked."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            kind = (*image.size, image.mode)
            pixels = np.asarray(image) if kind == (32, 32, "RGB") else None
    except Exception:  # a damaged image can fail in any way
        raise InputError(f"{path}: image {row} is not a readable image") from None
    if pixels is None:
        raise InputError(f"{path}: image {row} is {kind}; needed: 32 x 32 RGB")
    return pixels.transpose(2, 0, 1)


def main() -> None:
    args = arguments()
    train_images, train_labels, names = unpack(args.train)
    test_images, test_labels, test_names = unpack(args.test)
    if len(train_labels) < len(cifar10.TRAIN_FILES) or not len(test_labels):
        raise InputError(f"{args.train}: {len(train_labels)} images; needed: one for each batch")
    if test_names != names:
        raise InputError(f"{args.test}: class names differ from those of {args.train}")
    rows = np.array_split(np.arange(len(train_labels)), len(cifar10.TRAIN_FILES))
    parts = {
        name: cifar10.batch(train_images[part], train_labels[part], f"training batch {number} of 5")
        for number, (name, part) in enumerate(zip(cifar10.TRAIN_FILES, rows, strict=True), 1)
    }
    parts[cifar10.TEST_FILE] = cifar10.batch(test_images, test_labels, "testing batch 1 of 1")
    parts[cifar10.META_FILE] = {
        "num_cases_per_batch": len(rows[0]), "label_names": names, "num_vis": 3072,
    }  # fmt: skip
    contents = {name: pickle.dumps(parts[name], protocol=4) for name in cifar10.FILES}
    checksums = cifar10.checksum_text(contents, len(train_labels), len(test_labels))
    folder = args.folder / cifar10.FOLDER
    for name, content in {**contents, "MD5SUMS": checksums.encode()}.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    print(f"{folder}: {len(train_labels)} training and {len(test_labels)} test images")
    print("The pixels went through JPEG: they are close to the official ones, not equal (lossy).")


if __name__ == "__main__":
    run_program(main)
