"""Tables of the study of classes with a known truth, in the form that a run leaves them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import config
from palimpsest.tables import join_tables, write_table

CLASSES = [f"class_{number}" for number in range(4)]
MODELS = 3
# method -> (UA, RA, TA, MIA) in percent, of the oracle too
LEVELS = {
    "oracle": (100.0, 96.0, 86.0, 100.0),
    "nothing": (1.0, 98.0, 84.0, 10.0),
    "ft": (10.0, 99.0, 85.0, 30.0),
    "sparse_ft": (11.0, 98.5, 85.0, 31.0),
    "ce_ft": (99.0, 80.0, 70.0, 99.0),
    "ice_ft": (98.0, 92.0, 80.0, 98.0),
    "kl_ft": (97.0, 97.5, 84.0, 97.0),
    "random_labels": (60.0, 95.0, 83.0, 70.0),
    "zero_row": (99.5, 98.0, 85.5, 99.5),
    "ga": (50.0, 70.0, 65.0, 60.0),
    "gda": (40.0, 90.0, 80.0, 50.0),
    "scrub": (5.0, 98.0, 84.0, 20.0),
}
PREPARED: dict[str, list[Any]] = {
    "ft": [
        None, {"name": "zero_row"}, {"name": "salun_mask", "share": 0.5},
        {"name": "rbm_mask", "share": 0.5},
        {"name": "rbm_mask", "share": 0.5, "action": "freeze"},
        {"name": "random_mask", "share": 0.5, "action": "zero"},
        {"name": "random_mask", "share": 0.5},
    ],
    "random_labels": [
        None, {"name": "salun_mask", "share": 0.5}, {"name": "rbm_mask", "share": 0.5},
        {"name": "random_mask", "share": 0.5},
    ],
}  # fmt: skip
ALPHA = [round(0.1 * n, 1) for n in range(1, 10)]
GRIDS: dict[str, dict[str, list[dict[str, list[Any]]]]] = {
    "table": {m: [{"prepare": PREPARED[m]}] if m in PREPARED else [{}] for m in (
        "nothing", "ft", "sparse_ft", "ce_ft", "ice_ft", "kl_ft", "random_labels", "zero_row")},
    "rates": {"ft": [{"lr": [0.001, 0.01, 0.1, 0.3]}]},
    "alpha": {m: [{"alpha": ALPHA}] for m in ("ce_ft", "ice_ft", "kl_ft")},
    "divergence": {
        "ice_ft": [{"alpha": [0.1, 0.9], "forward": ["retain_first", "joint"]},
                   {"alpha": [0.1, 0.9], "batch_norm": ["frozen"]}],
        "kl_ft": [{"alpha": [0.1, 0.9], "kl_reduction": ["batchmean", "mean"]},
                  {"alpha": [0.1, 0.9], "kl_reduction": ["mean"], "forward": ["joint"]},
                  {"alpha": [0.1, 0.9], "kl_reduction": ["mean"], "target_smoothing": [0.1],
                   "kl_direction": ["labels||model", "model||labels"]}],
    },
    "klom": {m: [{"prepare": PREPARED[m]}] if m in PREPARED else [{}] for m in (
        "nothing", "ft", "ce_ft", "ice_ft", "kl_ft", "random_labels", "zero_row")}
    | {"ga": [{"lr": [0.001, 0.01], "epochs": [5]}]},
}  # fmt: skip
FEATURES = ("confidence", "correctness", "entropy", "modified_entropy", "probabilities")


def write_tables(
    folder: Path, levels: Mapping[str, tuple[float, ...]] = LEVELS, noise: float = 1.0
) -> None:
    """EXPERIMENT/TABLE.csv of each experiment; `levels` are what each method reaches, in percent.

    Classes differ by `noise` percentage points, trials by a third of it.
    """
    generator = np.random.default_rng(0)
    shifts = {name: noise * generator.standard_normal() for name in CLASSES}
    for experiment, grids in GRIDS.items():
        forget_sets = CLASSES[:1] if experiment == "klom" else CLASSES
        parts: dict[str, list[pd.DataFrame]] = {}
        for forget_set in forget_sets:
            for method in [*grids, "oracle"]:
                settings = (
                    [{}] if method == "oracle" else config.combinations(method, grids[method])
                )
                for setting in map(config.flat, settings):
                    head = {"forget_set": forget_set, "method": method, **setting}
                    level = np.array(levels[method]) + shifts[forget_set]
                    if experiment == "alpha" and method == "ce_ft":
                        level[1:3] += 10 * setting["alpha"]
                    if experiment == "rates" and method == "ft":
                        level[0] = 100 * min(1.0, setting["lr"] / 0.1)
                    for name, rows in _rows(experiment, head, level, noise, generator).items():
                        parts.setdefault(name, []).append(pd.DataFrame(rows))
        for name, found in parts.items():
            (folder / experiment).mkdir(parents=True, exist_ok=True)
            write_table(join_tables(found), folder / experiment / f"{name}.csv", seal=True)


def _rows(
    experiment: str, head: dict[str, Any], level: np.ndarray, noise: float, generator: Any
) -> dict[str, list[dict[str, Any]]]:
    drawn = level + noise / 3 * generator.standard_normal((MODELS, 4))
    ua, ra, ta, mia = drawn.clip(0, 100).T / 100
    seconds = {"relative_cost": 0.4, "seconds": 1.0 if head["method"] != "oracle" else 4.0}
    values = {"forget": 1 - ua, "retain": ra, "val": ta}
    found: dict[str, list[dict[str, Any]]] = {}
    for split, own in values.items():
        keys = {**head, "split": split}
        found.setdefault("accuracy", []).append(
            {
                **keys,
                "accuracy": own.mean(),
                "accuracy_sd": own.std(ddof=1),
                "all_classes": own.mean(),
                "diverged_models": 0,
                "n_models": MODELS,
                **seconds,
            }
        )
        for seed in range(MODELS):
            found.setdefault("accuracy_models", []).append(
                {
                    **keys,
                    "seed": seed,
                    "accuracy": own[seed],
                    "all_classes": own[seed],
                    "diverged": False,
                }
            )
        attacked = mia if split == "forget" else np.full(MODELS, 0.5)
        if experiment in ("table", "alpha"):
            worth = {
                f"{f}_{w}": 0.6
                for f in FEATURES
                for w in ("sd", "balanced_accuracy", "auc", "forget_auc")
            }
            found.setdefault("mia", []).append(
                {
                    **keys,
                    **{f: attacked.mean() for f in FEATURES},
                    **worth,
                    "diverged_models": 0,
                    "n_models": MODELS,
                    **seconds,
                }
            )
            for seed in range(MODELS):
                found.setdefault("mia_models", []).append(
                    {**keys, "seed": seed, **{f: attacked[seed] for f in FEATURES}}
                )
        if experiment == "klom" and head["method"] != "oracle":
            score = 0.5 + 10 * abs(100 * own.mean() - 100 * (1 - (split == "forget"))) / 100
            found.setdefault("klom", []).append(
                {
                    **keys,
                    "points": 50,
                    "percentile": 95,
                    "klom": score,
                    "ci_low": score - 0.2,
                    "ci_high": score + 0.2,
                    "null": 0.6,
                    "klom_mean": score / 2,
                    "margin_gap": score,
                    "reversed": score,
                    "reversed_null": 0.6,
                    "even_half": score,
                    "odd_half": score,
                    "n_models": MODELS,
                    "nan_points": 0,
                    "oracle_nan_points": 0,
                    "clipped_points": 0,
                    **seconds,
                }
            )
            found.setdefault("klom_redraws", []).append(
                {**keys, "redraw_0": score - 0.1, "redraw_1": score, "redraw_2": score + 0.1}
            )
    return found  # fmt: skip
