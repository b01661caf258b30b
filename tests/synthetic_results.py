"""Made-up tables of results, with the columns of the real ones, for the tests of what reads them.

The numbers imitate a run: small learning rates leave the original where it is, large ones break
it, and some settings diverge.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd

SETTINGS = ["lr", "epochs", "ascent_epochs", "forget_batch", "retain_batch", "batch_norm",
            "alpha", "gamma", "temperature"]  # fmt: skip
GRID = {
    "nothing": [{}],
    "ga": [
        {"lr": lr, "epochs": epochs, "forget_batch": 64, "batch_norm": batch_norm}
        for batch_norm in ("train", "frozen")
        for lr in (0.0, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 1e-2, 5e-2)
        for epochs in (1, 3, 5, 7, 10)
        if lr > 0 or batch_norm == "train"
    ],
    "gda": [
        {"lr": lr, "epochs": epochs, "ascent_epochs": ascent, "forget_batch": batch,
         "retain_batch": 64, "batch_norm": "train"}
        for lr, epochs, ascent, batch in itertools.product(
            (5e-5, 5e-4, 1e-3, 5e-3), (5, 7, 10), (3, 5), (32, 64)
        )
    ],
}  # fmt: skip
GRID["scrub"] = [
    setting | {"alpha": 0.001, "gamma": 0.99, "temperature": 4.0} for setting in GRID["gda"]
]
NULLS = {"forget": 0.75, "retain": 0.68, "val": 0.66}
ORACLE_TRAININGS = {"nothing": 0.0, "ga": 0.0005, "gda": 0.04, "scrub": 0.055}


def klom_table(forget_sets, models=100, seed=0):
    """klom.csv of the paper's grids."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, forget_set in enumerate(forget_sets):
        start = 2.0 + 1.1 * (place % 5)
        for method, settings in GRID.items():
            for setting in settings:
                scores = _scores(method, setting, start, rng)
                diverged = method == "ga" and setting["lr"] == 5e-2 and setting["epochs"] >= 7
                for split, score in scores.items():
                    reach = 0.06 + 0.06 * score * rng.uniform(0.6, 1.4)
                    rows.append({
                        "forget_set": forget_set, "method": method,
                        **{name: setting.get(name) for name in SETTINGS}, "split": split,
                        "percentile": 95, "klom": score, "ci_low": max(score - reach, 0),
                        "ci_high": score + reach, "null": NULLS[split],
                        "klom_mean": 0.4 * score, "n_models": models,
                        "nan_points": 12 * diverged, "clipped_points": 0,
                        "relative_cost": ORACLE_TRAININGS[method] * setting.get("epochs", 0),
                        "seconds": 1.5,
                    })  # fmt: skip
    return pd.DataFrame(rows)


def _scores(method, setting, start, rng):
    """Scores of one setting: ascent first moves the forget set, then all sets."""
    strength = setting.get("lr", 0.0) * setting.get("epochs", 0) * 60
    heal = {"gda": 0.45, "scrub": 0.1}.get(method, 1.0)
    gain = start * np.exp(-2 * strength) + 8 * heal * (1 - np.exp(-strength))
    harm = NULLS["val"] + 9.5 * heal * (1 - np.exp(-0.7 * strength))
    if setting.get("lr") == 0.0:
        harm += 0.3 * setting["epochs"]
    noise = rng.normal(1, 0.04, 3)
    return {
        "forget": min(11.4, gain * noise[0]),
        "retain": min(11.4, 1.02 * harm * noise[1]),
        "val": min(11.4, harm * noise[2]),
    }


def accuracy_table(klom):
    """accuracy.csv that goes with a klom.csv."""
    rows = []
    for row in klom.to_dict("records"):
        best = {"forget": 0.999, "retain": 0.999, "val": 0.968}[row["split"]]
        rows.append({
            **{name: row[name] for name in ["forget_set", "method", *SETTINGS, "split"]},
            "accuracy": best - 0.05 * max(row["klom"] - 0.7, 0) * (row["method"] != "nothing"),
            "accuracy_sd": 0.004, "diverged_models": int(row["nan_points"] > 0),
            "n_models": row["n_models"], "relative_cost": row["relative_cost"], "seconds": 1.5,
        })  # fmt: skip
    for forget_set in dict.fromkeys(klom["forget_set"]):
        for split, accuracy in {"forget": 0.961, "retain": 0.999, "val": 0.967}.items():
            rows.append({
                "forget_set": forget_set, "method": "oracle",
                **dict.fromkeys(SETTINGS), "split": split, "accuracy": accuracy,
                "accuracy_sd": 0.005, "diverged_models": 0, "n_models": 100, "relative_cost": 1.0,
                "seconds": 9.0,
            })  # fmt: skip
    return pd.DataFrame(rows)


def number_of_models_table(forget_sets):
    """number_of_models.csv; the first forget set has a second oracle population."""
    rows = []
    for forget_set, split, models in itertools.product(forget_sets, NULLS, range(10, 101, 10)):
        null = 68 / models if models >= 50 else 1.4 * (50 / models) ** 1.3
        excess = {"forget": 3.0, "retain": 0.05, "val": 0.04}[split]
        comparisons = {"original": null + excess, "second_oracle": 1.02 * null}
        for comparison, score in comparisons.items():
            if comparison == "original" or forget_set == forget_sets[0]:
                rows.append({
                    "forget_set": forget_set, "comparison": comparison, "n_models": models,
                    "split": split, "percentile": 95, "klom": score, "null": null,
                })  # fmt: skip
    return pd.DataFrame(rows)


def null_check_table(forget_set):
    """null_check.csv of one forget set."""
    return pd.DataFrame([
        {"forget_set": forget_set, "n_models": 100, "split": split, "percentile": 95, "null": null,
         "second_oracle": null + 0.03, "ci_low": null - 0.08, "ci_high": null + 0.1}
        for split, null in NULLS.items()
    ])  # fmt: skip


def sharing_table(forget_sets):
    """sharing.csv of the paper's grids."""
    return pd.DataFrame([
        {"forget_set": forget_set, "method": method, "epochs_separate": separate,
         "epochs_shared": shared}
        for forget_set in forget_sets
        for method, separate, shared in (("ga", 390, 150), ("gda", 352, 136), ("scrub", 352, 136))
    ])  # fmt: skip


def write_results(folder: Path, forget_sets):
    """All tables of a run, in `folder`; returns its klom.csv as a table."""
    folder.mkdir(parents=True, exist_ok=True)
    klom = klom_table(forget_sets)
    tables = {
        "klom": klom,
        "accuracy": accuracy_table(klom),
        "number_of_models": number_of_models_table(forget_sets),
        "null_check": null_check_table(forget_sets[0]),
        "sharing": sharing_table(forget_sets),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    agreement = {"correlation": 0.62, "ci_low": 0.55, "ci_high": 0.68, "subsets": 80,
                 "estimator": "half_subsets", "models": 320, "diverged_models": 0}  # fmt: skip
    (folder / "agreement.json").write_text(json.dumps(agreement))
    return klom
