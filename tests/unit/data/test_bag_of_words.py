"""The baseline of texts: words without their order."""

import numpy as np
import pytest

from palimpsest.data.bag_of_words import accuracy, counts
from palimpsest.data.datasets import Dataset, Images, Tokens
from palimpsest.data.splits import base_split

RANDOM = np.random.default_rng(0)
LABELS = np.arange(120) % 3


def texts(pool, labels=LABELS):
    return Dataset("texts", np.asarray(pool, np.int32), labels, None, Tokens(20, padding=0))


def test_tokens_are_counted_without_the_padding():
    dataset = texts([[3, 3, 5, 0], [7, 0, 0, 0]], np.array([0, 1]))
    found = counts(dataset).toarray()
    assert found.shape == (2, 20)
    assert (found[0, 3], found[0, 5], found[1, 7], found.sum()) == (2, 1, 1, 4)


def test_words_that_tell_the_class_are_found_and_their_order_is_not():
    told = np.where(RANDOM.random((120, 9)) < 0.5, LABELS[:, None] + 1, 10)
    dataset = texts(told)
    assert accuracy(dataset, base_split(dataset)) > 0.95
    order = np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]])[LABELS]
    dataset = texts(order)
    assert accuracy(dataset, base_split(dataset)) < 0.6


def test_it_is_judged_on_the_validation_points():
    dataset = texts(RANDOM.integers(1, 20, (120, 9)), RANDOM.integers(0, 3, 120))
    assert accuracy(dataset, base_split(dataset)) < 0.6


def test_images_have_no_words():
    images = Images(255.0, np.array([0.5]), np.array([0.25]))
    dataset = Dataset("toy", np.zeros((2, 1, 2, 2), np.uint8), np.array([0, 1]), None, images)
    with pytest.raises(ValueError, match="toy holds images; needed: texts"):
        counts(dataset)
