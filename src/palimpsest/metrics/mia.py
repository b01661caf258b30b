"""Membership inference: how much of a set of points an attack takes for never trained on.

The MIA-efficacy of "Understanding Fine-tuning in Approximate Unlearning", after Unlearn-Sparse (Liu
et al. 2024): for each model a support vector classifier (RBF, C = 3, gamma auto) learns to tell
retain points, as many as there are test points, from test points; the efficacy is the part of the
forget set that it calls non-members. It is one-sided: an attack that tells nothing apart may call
all points non-members. So beside it stands what the attack is worth (`_balanced_accuracy`, `_auc`:
on members and non-members that it has not learnt from), and how far the forget set lies from the
test set in its eyes, whatever its threshold (`_forget_auc`: 0.5 alike, above it more like members).

Where a whole class is forgotten, the test points are those of the other classes, as for TA.
"""

from typing import Annotated, Any, Literal

import numpy as np

from palimpsest.data.splits import PARTS, Split
from palimpsest.files import InputError
from palimpsest.metrics.accuracy import forgotten
from palimpsest.randomness import generator
from palimpsest.records import Record
from palimpsest.values import Count, Once, Positive, Some

NEEDS = ("margin", "correct", "logits")
OF_ORACLES = True
Feature = Literal["confidence", "correctness", "entropy", "modified_entropy", "probabilities"]


def rows(
    record: Record,
    original: Record | None,
    oracle: Record,
    split: Split,
    reference: Any = None,
    *,
    features: Annotated[list[Feature], Some, Once],
    c: Positive,
    attacked: Count | None,
) -> list[dict[str, Any]]:
    """For each set of points the part called non-members, by each feature; mean and sd over models.

    Of retain and validation set the points are asked that the attack has learnt from. `confidence`
    is the probability of the true class (the paper's); `modified_entropy` that of Song and Mittal
    2021. `attacked`: only the first so many models; None: all. A model with a margin that is not
    finite is diverged: its values are NaN, and so are the means.
    """
    models = len(record.seeds) if attacked is None else min(attacked, len(record.seeds))
    record = record.first(models)
    columns = {part: split.columns(part) for part in PARTS}
    test = columns["val"][~forgotten(record, split)[columns["val"]]]
    members = columns["retain"]
    if min(len(test), len(members)) < _FEWEST:
        raise InputError(
            f"an attack learns from retain and test points, and there are {len(members)} and "
            f"{len(test)}; needed: at least {_FEWEST} of both"
        )
    if len(members) > len(test):
        members = generator(0, "mia").choice(members, len(test), replace=False)
    diverged = (~np.isfinite(record["margin"])).any(axis=1)
    found: dict[str, list[dict[str, float]]] = {feature: [] for feature in features}
    for model in range(models):
        for feature in features:
            if diverged[model]:
                found[feature].append({name: np.nan for name in (*PARTS, *_WORTH)})
            else:
                values = _values(feature, record, model)
                found[feature].append(_attack(values, members, test, columns["forget"], c))
    table = []
    for part in PARTS:
        row: dict[str, Any] = {"split": part}
        for feature in features:
            own = np.array([one[part] for one in found[feature]])
            row[feature] = own.mean()
            row[f"{feature}_sd"] = own.std(ddof=1) if models > 1 else np.nan
            for name in _WORTH:
                row[f"{feature}_{name}"] = np.mean([one[name] for one in found[feature]])
        row |= {"diverged_models": int(diverged.sum()), "n_models": models}
        row["models"] = {feature: [one[part] for one in found[feature]] for feature in features}
        table.append(row)
    return table


_FEWEST = 4  # two in each half
_WORTH = ("balanced_accuracy", "auc", "forget_auc")


def _attack(
    values: np.ndarray,
    members: np.ndarray,
    test: np.ndarray,
    forget: np.ndarray,
    c: float,
) -> dict[str, float]:
    """What one attack finds: `values` (points, features), the rest are places in them."""
    from sklearn.svm import SVC

    def fitted(one: np.ndarray, other: np.ndarray) -> SVC:
        known = np.concatenate([np.ones(len(one)), np.zeros(len(other))])
        return SVC(C=c, gamma="auto").fit(values[np.concatenate([one, other])], known)

    whole = fitted(members, test)
    parts = {"forget": forget, "retain": members, "val": test}
    scores = {part: whole.decision_function(values[own]) for part, own in parts.items()}
    found = {part: float((own <= 0).mean()) for part, own in scores.items()}
    found["forget_auc"] = _auc(scores["forget"], scores["val"])
    # worth: each half is told apart by an attack that has learnt from the other
    halves = [(members[start::2], test[start::2]) for start in (0, 1)]
    rates, aucs = [], []
    for learnt, asked in (halves, halves[::-1]):
        attack = fitted(*learnt)
        inside, outside = (attack.decision_function(values[own]) for own in asked)
        rates.append(((inside > 0).mean() + (outside <= 0).mean()) / 2)
        aucs.append(_auc(inside, outside))
    return found | {"balanced_accuracy": float(np.mean(rates)), "auc": float(np.mean(aucs))}


def _auc(inside: np.ndarray, outside: np.ndarray) -> float:
    """The chance that one of `inside` scores above one of `outside`, ties counting half."""
    from sklearn.metrics import roc_auc_score

    truth = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))


def _values(feature: str, record: Record, model: int) -> np.ndarray:
    """A feature of one model at each point, (points, 1), or all probabilities (points, classes)."""
    from scipy.special import expit, log_softmax, xlog1py, xlogy

    if feature == "confidence":
        return expit(record["margin"][model].astype(float))[:, None]
    if feature == "correctness":
        return record["correct"][model].astype(float)[:, None]
    logs = log_softmax(record["logits"][model].astype(float), axis=1)
    chances = np.exp(logs)
    if feature == "probabilities":
        return chances
    if feature == "entropy":
        return -xlogy(chances, chances).sum(axis=1, keepdims=True)
    own = np.arange(len(chances)), record.labels
    wrong = xlog1py(chances, -chances.clip(max=1 - 1e-12))
    wrong[own] = 0.0
    return (-(1 - chances[own]) * logs[own] - wrong.sum(axis=1))[:, None]
