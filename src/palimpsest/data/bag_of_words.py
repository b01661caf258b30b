"""How well texts are told apart by their words alone: what a model of texts has to beat.

TF-IDF over token ids, then logistic regression, both with scikit-learn's defaults: the order of the
tokens is lost. It sees the same tokens as a model does, after cutting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from palimpsest.data.datasets import Dataset, Tokens
from palimpsest.data.splits import Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def accuracy(dataset: Dataset, split: Split) -> float:
    """Part of the validation points that is classed rightly after fitting on the training points.

    ValueError for images.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = counts(dataset)
    model = make_pipeline(TfidfTransformer(), LogisticRegression(max_iter=1000))
    model.fit(words[split.train], dataset.labels[split.train])
    return float(model.score(words[split.val], dataset.labels[split.val]))


def counts(dataset: Dataset) -> csr_matrix:
    """How often each token stands in each text: sparse (points, vocabulary), padding left out."""
    from scipy.sparse import csr_matrix

    if not isinstance(dataset.encoding, Tokens):
        raise ValueError(f"{dataset.name} holds images; needed: texts")
    points, places = np.nonzero(dataset.pool != dataset.encoding.padding)
    shape = len(dataset), dataset.encoding.vocabulary
    found = csr_matrix((np.ones(len(points)), (points, dataset.pool[points, places])), shape=shape)
    found.sum_duplicates()
    return found
