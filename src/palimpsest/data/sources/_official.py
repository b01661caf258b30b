"""What the sources of published image files share: their checksums, their sizes, their one pool."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palimpsest.data.datasets import Dataset, Images
from palimpsest.data.facts import Facts
from palimpsest.data.sources._checksums import (
    check_download,
    check_sums,
    read_sums,
    sizes,
)
from palimpsest.data.sources._downloads import again
from palimpsest.files import InputError, one_line


@dataclass(frozen=True)
class OfficialFiles:
    """The files of a data set of small images, and what is known of the official ones.

    Where `checksums` is not "official", it names an md5sum-style text file in their folder, whose
    first line states the sizes.

    Args:
        name: of the source.
        title, content: of the data set and of its files, for sentences.
        folder: in `data_dir`.
        md5: file name -> MD5, in the order of checking.
        train, test: official images.
        classes: number of classes.
        item: channels, height and width of an image.
        packed: files that may lie in `data_dir` instead, for a sentence.
    """

    name: str
    title: str
    content: str
    folder: str
    md5: Mapping[str, str]
    train: int
    test: int
    classes: int
    item: tuple[int, int, int] = (3, 32, 32)
    packed: tuple[str, ...] = ()

    def check(self, data_dir: Path, download: bool, checksums: str) -> None:
        """Check that the files exist and have the right MD5; with `download` they may be missing.

        InputError for the first that is missing or another.
        """
        if download:
            check_download(checksums)
            return
        folder = data_dir / self.folder
        official = checksums == "official"
        expected = self.md5 if official else read_sums(folder / checksums, self.md5)
        for name in self.md5:
            if not (folder / name).is_file():
                packed = f", or {' and '.join(self.packed)} into {data_dir}" if self.packed else ""
                raise InputError(
                    f"{folder / name}: there is no such file; put {self.content} into "
                    f"{folder}{packed}, or set download: true"
                )
        check_sums(folder, self.md5, expected, checksums)

    def have(
        self, data_dir: Path, download: bool, checksums: str, fetch: Callable[[Path], None]
    ) -> None:
        """Check the files, and before that with `download` have them from `fetch`(data_dir).

        `fetch` is called again where it breaks off; it leaves what is there and whole as it is.
        """
        self.check(data_dir, download, checksums)
        if not download:
            return
        again(functools.partial(fetch, data_dir), self.title, data_dir)
        self.check(data_dir, False, checksums)

    def facts(self, data_dir: Path, checksums: str) -> Facts | None:
        """Of the official files, or what the file of checksums says; None if it does not tell."""
        train, test = self.train, self.test
        if checksums != "official":
            stated = sizes(data_dir / self.folder / checksums)
            if stated is None:
                return None
            train, test = stated
        return Facts(train + test, train, self.classes, self.item)

    def dataset(
        self,
        train: Sequence[tuple[np.ndarray, np.ndarray]],
        test: tuple[np.ndarray, np.ndarray],
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> Dataset:
        """The pool of images and labels: the training parts one after the other, then the test."""
        images, labels = (np.concatenate(arrays) for arrays in zip(*train, test, strict=True))
        return Dataset(
            name=self.name,
            pool=images,
            labels=labels,
            train_points=sum(len(own) for _, own in train),
            encoding=Images(scale=255.0, mean=np.array(mean), std=np.array(std)),
        )


def unreadable(path: Path, kind: str, error: Exception) -> InputError:
    """The sentence for a file that is not of this kind."""
    told = one_line(error)
    return InputError(f"{path}: not readable as {kind} ({told})")
