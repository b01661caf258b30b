"""ImageNet Living-17: photographs of 17 kinds of animals, four synsets of each.

BREEDS (Santurkar, Tsipras and Madry 2021); the kinds and their synsets stand in
shipped/living17.json, with their source. `data_dir` is a folder of ImageNet (ILSVRC 2012), with
train/SYNSET/*.JPEG and val/SYNSET/*.JPEG, its validation images sorted into folders; it cannot be
fetched. Labels are the kinds, in that order; groups are the 68 synsets, so `kind: classes` forgets
one sub-population of a kind.

ImageNet has 88,400 training and 3,400 validation images of these synsets, 1,300 and 50 of each.
"Ascent Fails to Forget" trains on 44,200: the first half of a shuffled file of all, in its public
code (RoyRin/data-unlearning-bench, unlearning/datasets/tmp_train_living.py at commit beae27e). That
order comes with its tensors alone, and its published forget sets are places in it: here they mean
other images. Here the half is the first 650 of each synset, by name (`train_images`).

`checksums: official` holds the folders to the numbers of images in ImageNet, which publishes no
sums of its single files; any other value names an md5sum-style text file in `data_dir` that lists
each file that is read, such as train/n01631663/n01631663_10062.JPEG, in whatever number.
"""

import functools
import json
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts
from palimpsest.data.sources._checksums import check_sums, read_sums, sizes
from palimpsest.data.sources._official import unreadable
from palimpsest.files import InputError, regular_file

SLOW = True
FILE = Path(__file__).parents[1] / "shipped" / "living17.json"
OFFICIAL = {"train": 1300, "val": 50}
"""images of each synset in ImageNet"""
KINDS, SYNSETS = 17, 68
CROP = 224 / 256
"""part of the shorter side that is kept, in the middle, as in that public code"""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""of ImageNet, after division by 255, as commonly used"""

TrainImages = Annotated[int, Field(ge=1, le=OFFICIAL["train"])]
Side = Annotated[int, Field(ge=8, le=512)]


def facts(
    data_dir: Path, checksums: str, *, side: Side = 64, train_images: TrainImages = 650
) -> Facts | None:
    """Of ImageNet, or what the file of checksums says; None if it does not tell."""
    parts: tuple[int, int] | None = SYNSETS * train_images, SYNSETS * OFFICIAL["val"]
    if checksums != "official":
        parts = sizes(data_dir / checksums)
    if parts is None:
        return None
    parts = min(parts[0], SYNSETS * train_images), parts[1]
    return Facts(sum(parts), parts[0], KINDS, (3, side, side), groups=SYNSETS)


def check(
    data_dir: Path, download: bool, checksums: str, *, train_images: TrainImages = 650
) -> None:
    """Check that each synset has its folders and these their images; no file is read.

    InputError for the first folder that is missing, or has another number of images.
    """
    if download:
        raise InputError(
            f"ImageNet cannot be fetched; needed: download: false, and it in {data_dir}"
        )
    images = _images(data_dir, checksums, train_images)
    if checksums != "official":
        read_sums(data_dir / checksums, _names(images, data_dir))


def load(
    data_dir: Path,
    download: bool,
    checksums: str,
    *,
    side: Side = 64,
    train_images: TrainImages = 650,
) -> Dataset:
    """The training images, then the validation images, each by kind, synset and name.

    Of each image the middle (`CROP`) in `side` x `side` pixels; of each synset the first
    `train_images` training images by name. InputError for what `check` finds, a file of another
    checksum, and an image that cannot be read.
    """
    check(data_dir, download, checksums, train_images=train_images)
    images = _images(data_dir, checksums, train_images)
    if checksums != "official":
        names = _names(images, data_dir)
        check_sums(data_dir, names, read_sums(data_dir / checksums, names), checksums)
    pool = np.empty((len(images), 3, side, side), np.uint8)
    for place, (path, _) in enumerate(images):
        pool[place] = _middle(path, side)
    groups = np.array([group for _, group in images], np.int64)
    return Dataset(
        name="living17",
        pool=pool,
        labels=groups // (SYNSETS // KINDS),
        train_points=sum(path.parent.parent.name == "train" for path, _ in images),
        encoding=Images(scale=255.0, mean=np.array(MEAN), std=np.array(STD)),
        groups=groups,
    )


@functools.cache
def synsets() -> dict[str, str]:
    """The 68 synsets and what each shows, in the order of the groups."""
    kinds = json.loads(FILE.read_text(encoding="utf-8"))["kinds"]
    return {synset: name for own in kinds.values() for synset, name in own.items()}


def _names(images: list[tuple[Path, int]], data_dir: Path) -> list[str]:
    """The images' files as a file of checksums names them."""
    return [str(path.relative_to(data_dir)) for path, _ in images]


def _images(data_dir: Path, checksums: str, train_images: int) -> list[tuple[Path, int]]:
    """Each image and its group: the training part, then the validation part."""
    found = []
    for part, wanted in OFFICIAL.items():
        for group, (synset, name) in enumerate(synsets().items()):
            folder = data_dir / part / synset
            if not folder.is_dir():
                raise InputError(
                    f"{folder}: there is no such folder, of {name}; needed: ImageNet in "
                    f"{data_dir}: train and val, and in both a folder for each of {SYNSETS} synsets"
                )
            paths = sorted(folder.glob("*.JPEG"))
            if len(paths) != wanted if checksums == "official" else not paths:
                needed = f"{wanted}, as in ImageNet" if checksums == "official" else "at least one"
                raise InputError(
                    f"{folder}: holds {len(paths)} images (*.JPEG) of {name}; needed: {needed}"
                )
            kept = paths[:train_images] if part == "train" else paths
            found += [(path, group) for path in kept]
    return found


def _middle(path: Path, side: int) -> np.ndarray:
    """The square in the middle of an image, uint8 (3, side, side)."""
    from PIL import Image

    try:
        with Image.open(regular_file(path), formats=["JPEG"]) as image:
            edge = min(image.size) * CROP
            left, top = ((length - edge) / 2 for length in image.size)
            square = image.convert("RGB").resize(
                (side, side), Image.Resampling.BILINEAR, (left, top, left + edge, top + edge)
            )
    except InputError:
        raise
    except Exception as error:  # a damaged image can fail in any way
        raise unreadable(path, "a JPEG image", error) from None
    return np.asarray(square).transpose(2, 0, 1)
