"""Small files in the form of the official ones, with checksums of their own."""

import hashlib
import io

import numpy as np
from PIL import Image

MD5SUMS = "MD5SUMS"


def sizes_line(train, test, what="images"):
    """The first line of a file of checksums."""
    return f"# {train} training and {test} test {what}"


def write_checksums(folder, names, train=10, test=3):
    """MD5SUMS beside files of these names."""
    lines = [sizes_line(train, test)]
    lines += [f"{hashlib.md5((folder / n).read_bytes()).hexdigest()}  {n}" for n in names]
    (folder / MD5SUMS).write_text("\n".join(lines) + "\n")


def batch(images, labels, label):
    """A python batch of CIFAR-10: `images` uint8 (points, 3, 32, 32)."""
    return {
        "batch_label": label,
        "labels": [int(value) for value in labels],
        "data": np.ascontiguousarray(images.reshape(len(images), 3072)),
        "filenames": [f"{label}_{row}.png" for row in range(len(images))],
    }


def jpeg(pixels):
    """The bytes of a JPEG file of uint8 (height, width, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG")
    return stream.getvalue()


def packed_cifar10(path, greys, seed=0):
    """A packed file of grey images, whose levels stand in official order; the arrays it holds.

    Their order in the file is another; the label of an image is its official place modulo 10.
    """
    order = np.random.RandomState(seed).permutation(len(greys)).astype(np.int32)
    files = [jpeg(np.full((32, 32, 3), greys[place], np.uint8)) for place in order]
    arrays = {
        "data": np.frombuffer(b"".join(files), np.uint8).copy(),
        "offsets": np.cumsum([0, *map(len, files)]).astype(np.int64),
        "labels": (order % 10).astype(np.uint8),
        "orig_index": order,
    }
    np.savez_compressed(path, **arrays)
    return arrays
