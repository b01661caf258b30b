"""Make the subset of Fashion-MNIST that comes with the project, from the four official files.

    python tools/make_fashion.py --raw FOLDER     # with train-images-idx3-ubyte.gz and the others

The first 200 training and the first 100 test images of each class, in official order, averaged from
28 x 28 to 14 x 14 pixels. The MD5 sums of the official files are torchvision's.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from palimpsest.data.sources import fashion
from palimpsest.files import InputError, atomic_path, regular_file
from palimpsest.programs import Parser, run_program

MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
OF_A_CLASS = {"train": 200, "t10k": 100}


def read(folder: Path, name: str, head: int) -> np.ndarray:
    """The values of an official file after its `head` bytes; InputError if it is another one."""
    path = regular_file(folder / name)
    content = path.read_bytes()
    found = hashlib.md5(content).hexdigest()
    if found != MD5[name]:
        raise InputError(f"{path}: MD5 {found}, and the official file has {MD5[name]}")
    return np.frombuffer(gzip.decompress(content), np.uint8, offset=head)


def part(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The first images of each class of a part, uint8 (points, 1, 14, 14), and their labels."""
    labels = read(folder, f"{name}-labels-idx1-ubyte.gz", 8)
    images = read(folder, f"{name}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    firsts = [np.flatnonzero(labels == label)[: OF_A_CLASS[name]] for label in range(10)]
    chosen = np.sort(np.concatenate(firsts))
    blocks = images[chosen].astype(np.uint16).reshape(-1, 14, 2, 14, 2).sum(axis=(2, 4))
    return ((blocks + 2) // 4).astype(np.uint8)[:, None], labels[chosen]


def main() -> None:
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--raw", type=Path, required=True, help="folder of the official files")
    parser.add_argument("--out", type=Path, default=fashion.FILE, help="the subset, .npz")
    args = parser.parse_args()
    parts = [part(args.raw, name) for name in OF_A_CLASS]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    with atomic_path(args.out) as temporary:
        np.savez_compressed(temporary, images=images, labels=labels)
    train = images[: len(parts[0][1])] / 255
    print(f"{args.out}: {len(images)} images, mean {train.mean():.4f}, std {train.std():.4f}")
    content = images.tobytes() + labels.tobytes()
    print(f"sha256 of images and labels: {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    run_program(main)
