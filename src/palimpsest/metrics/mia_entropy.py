"""Membership inference by the entropy of the output: how much of a set an attack calls members.

The attack of "Residual Feature Alignment Using LoRA" (Section V.C), after Chundawat et al. 2023
(vikram2000b/bad-teaching-unlearning): for each model two classifiers, a support vector machine (RBF
kernel, C = 3, gamma auto) and logistic regression (scikit-learn's defaults), learn to tell retain
points (1) from test points (0) by the entropy of the model's probabilities; the value is the part
of the forget set that they call members. An attack that tells nothing apart may call all points
members, above all where there are more retain than test points: so beside it stand the attack's
accuracy on the points that it has learnt from, and the share of members among these, which is what
calling every point a member would have.

Where a whole class is forgotten, the test points are those of the other classes, as for TA, and
where the split knows which of them are like the forgotten ones, those that are not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.metrics.accuracy import forgotten
from palimpsest.records import Record
from palimpsest.values import Count, Positive

NEEDS = ("margin", "entropy")
OF_ORACLES = True
RENORMALISED = "entropy_renormalised"
ATTACKS = ("svm", "logistic")
BALANCED = "_balanced"
"""after the name of an attack to which errors on the two sides count the same in sum"""
_FEWEST = 2  # of each side


def more_needs(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The other entropy, where it is asked for."""
    return (RENORMALISED,) if settings.get("renormalised") else ()


def rows(
    record: Record,
    original: Record | None,
    oracle: Record,
    split: Split,
    reference: Any = None,
    *,
    renormalised: bool = False,
    c: Positive = 3.0,
    attacked: Count | None = None,
) -> list[dict[str, Any]]:
    """For each set of points the part called members, by each attack; mean and sd over models.

    Of retain and validation set the points are asked that the attack has learnt from.

    To `svm` and `logistic`, as the public code has them, an error on any point counts the same, and
    there are more retain than test points; to `svm_balanced` and `logistic_balanced` errors on the
    two sides count the same in sum. `renormalised`: of next tokens the entropy of the ten largest
    probabilities divided by their sum. `c`: of the support vector machine. `attacked`: only the
    first so many models; None: all. A model with a margin or an entropy that is not finite is
    diverged: its values are NaN, and so are the means.
    """
    models = len(record.seeds) if attacked is None else min(attacked, len(record.seeds))
    record = record.first(models)
    columns = {part: split.columns(part) for part in split.parts}
    test = columns.get("val_retain", columns["val"])
    test = test[~forgotten(record, split)[test]]
    members = columns["retain"]
    if min(len(test), len(members)) < _FEWEST:
        raise InputError(
            f"an attack learns from retain and test points, and there are {len(members)} and "
            f"{len(test)}; needed: at least {_FEWEST} of both"
        )
    asked = columns | {"val": test}
    values = record[RENORMALISED if renormalised else "entropy"].astype(float)
    diverged = ~(np.isfinite(record["margin"]) & np.isfinite(values)).all(axis=1)
    nothing = dict.fromkeys((*split.parts, "training_accuracy"), np.nan)
    found: dict[str, list[dict[str, float]]] = {
        attack + (BALANCED if balanced else ""): [
            nothing if broken else _attack(attack, own, asked, c, balanced)
            for own, broken in zip(values, diverged, strict=True)
        ]
        for balanced in (False, True)
        for attack in ATTACKS
    }
    table = []
    for part in split.parts:
        row: dict[str, Any] = {"split": part}
        for attack, of_model in found.items():
            shares = np.array([one[part] for one in of_model])
            row[attack] = shares.mean()
            row[f"{attack}_sd"] = shares.std(ddof=1) if models > 1 else np.nan
            accuracies = [one["training_accuracy"] for one in of_model]
            row[f"{attack}_training_accuracy"] = np.mean(accuracies)
        row["members"] = len(members) / (len(members) + len(test))
        row |= {"diverged_models": int(diverged.sum()), "n_models": models}
        row["models"] = {attack: [one[part] for one in own] for attack, own in found.items()}
        table.append(row)
    return table


def _attack(
    attack: str, values: np.ndarray, asked: Mapping[str, np.ndarray], c: float, balanced: bool
) -> dict[str, float]:
    """What an attack on one model says of each set, and its accuracy on what it has learnt from."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    known = {part: values[columns][:, None] for part, columns in asked.items()}
    inside, outside = known["retain"], known["val"]
    truth = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    weight = "balanced" if balanced else None
    learner = (
        SVC(C=c, gamma="auto", class_weight=weight)
        if attack == "svm"
        else LogisticRegression(class_weight=weight)
    )
    fitted = learner.fit(np.concatenate([inside, outside]), truth)
    found = {part: float(fitted.predict(own).mean()) for part, own in known.items()}
    right = found["retain"] * len(inside) + (1 - found["val"]) * len(outside)
    return found | {"training_accuracy": right / len(truth)}
