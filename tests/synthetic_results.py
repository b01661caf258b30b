"""Made-up tables of results, with the columns of the real ones, for the tests of what reads them.

The numbers imitate a run: small learning rates leave the original where it is, large ones break
it, and some settings diverge.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from palimpsest.tables import write_table

CLAIMS = Path(__file__).parents[1] / "reports" / "ascent" / "claims.yaml"
ESTIMATE = {
    "base_split": "0" * 64, "data": {"name": "digits"},
    "estimator": {"name": "last_layer", "checkpoints": 100, "ridge": 1e-6}, "models": 100,
    "diverged_models": 0, "variance_shares": [0.14, 0.13, 0.06, 0.05],
    "agreement": {"correlation": 0.41, "ci_low": 0.38, "ci_high": 0.44, "ceiling": 0.69,
                  "correlation_single": 0.25, "ceiling_single": 0.39, "subsets": 40, "seeds": 5},
    "sets": [
        {"component": component, "top": 30, "bottom": 0, "overlap": 24, "indices": [1, 2],
         "matched": [{"component": component, "correlation": 0.99}] * 2}
        for component in (1, 2)
    ],
}  # fmt: skip
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
POINTS = {"forget": 60, "retain": 1377, "val": 360}
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
                        "points": POINTS[split], "percentile": 95, "klom": score,
                        "ci_low": max(score - reach, 0), "ci_high": score + reach,
                        "null": NULLS[split], "klom_mean": 0.4 * score, "margin_gap": 0.0,
                        "reversed": 1.3 * score, "reversed_null": 1.1 * NULLS[split],
                        "even_half": 1.02 * score, "odd_half": 0.97 * score, "n_models": models,
                        "nan_points": 12 * diverged, "oracle_nan_points": 0, "clipped_points": 0,
                        "relative_cost": ORACLE_TRAININGS[method] * setting.get("epochs", 0),
                        "seconds": 1.5,
                    })  # fmt: skip
    return pd.DataFrame(rows)


def redraws_table(table, keys, spread=0.08, repeats=12, seed=1):
    """The redrawn scores of a table, which vary by `spread` of the score."""
    noise = np.random.default_rng(seed).normal(1, spread, (len(table), repeats))
    values = table["klom"].to_numpy()[:, None] * noise
    columns = [f"redraw_{place}" for place in range(repeats)]
    redraws = pd.DataFrame(values, columns=columns)
    return pd.concat([table[keys].reset_index(drop=True), redraws], axis=1)


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
    numbers = number_of_models_table(forget_sets)
    originals = numbers[numbers["comparison"] == "original"]
    tables = {
        "klom": klom,
        "klom_redraws": redraws_table(klom, ["forget_set", "method", *SETTINGS, "split"]),
        "accuracy": accuracy_table(klom),
        "number_of_models": numbers,
        "number_of_models_redraws": redraws_table(
            originals, ["forget_set", "comparison", "n_models", "split"], spread=0.02
        ),
        "null_check": null_check_table(forget_sets[0]),
        "sharing": sharing_table(forget_sets),
        "worlds": worlds_table(),
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv", seal=True)
    (folder / "estimate.json").write_text(json.dumps(ESTIMATE))
    return klom


def worlds_table():
    """worlds.csv of two worlds: every claim holds in one, fails in the other."""
    claims = yaml.safe_load(CLAIMS.read_text())
    return pd.DataFrame([
        {"id": claim["id"], "world": world, "verdict": verdict, "cases": 1, "yes": 1, "no": 0,
         "undecided": 0}
        for world, verdict in (("perfect", "holds"), ("the original", "fails"))
        for claim in claims
    ])  # fmt: skip
