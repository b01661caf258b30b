"""Tables of the study of alignment with a known truth, in the form that a run leaves them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import config
from palimpsest.tables import join_tables, write_table

SETS = {"class_3": "class", "random_128": "sample"}
"""forget set -> scenario"""
TASKS = ("image classification", "text classification", "text generation")
TUNING, MODELS, KLOM_MODELS = 3, 8, 20
SPLITS = {
    "sample": ("retain", "forget", "val"),
    "class": ("retain", "forget", "val", "val_retain", "val_forget"),
}
RATES = {
    "ga": [1e-5, 1e-4, 1e-3],
    "ft": [1e-4, 1e-3],
    "badt": [1e-4, 1e-3],
    "scrub": [1e-4, 1e-3],
    "rfa": [1e-4, 1e-3, 1e-2],
}
BEST = {"ga": 1e-4, "ft": 1e-3, "badt": 1e-4, "scrub": 1e-3, "rfa": 1e-3}
"""the rate at which each method is as LEVELS say; at the others it is worse by 20 points"""
GRIDS: dict[str, dict[str, list[dict[str, list[Any]]]]] = {
    "table": {
        "nothing": [{}],
        "ga": [{"lr": RATES["ga"], "epochs": [1], "optimiser": ["adamw"]}],
        "ft": [{"lr": RATES["ft"], "epochs": [1], "optimiser": ["adamw"]}],
        "badt": [{"lr": RATES["badt"]}],
        "scrub": [{"lr": RATES["scrub"], "epochs": [1], "ascent_epochs": [1]}],
        "rfa": [{"lr": RATES["rfa"]}],
    },
    "two_epochs": {
        "nothing": [{}],
        "badt": [{"lr": [1e-4], "epochs": [2]}],
        "scrub": [{"lr": [1e-3], "epochs": [2], "ascent_epochs": [2]}],
        "rfa": [{"lr": [1e-3], "epochs": [2]}],
    },
    "gamma": {"nothing": [{}], "rfa": [{"lr": [1e-3], "gamma": [0.0, 0.25, 0.5, 0.75, 1.0]}]},
    "sensitivity": {
        "nothing": [{}],
        "rfa": [
            {"lr": [1e-3], "rank": [2, 8, 32]},
            {"lr": [1e-3], "alpha": [0.1, 10.0]},
            {"lr": [1e-3], "mu": [1.0]},
            {"lr": [1e-3], "forget_per_batch": [4]},
            {"lr": [1e-3], "layers": ["layer4.*"]},
        ],
    },
}
Levels = Mapping[str, tuple[float, ...]]
# method -> right answers (%) on D_r, D_f and test points; of a class on D_r, D_f, D_rt and D_ft
SAMPLE: Levels = {
    "nothing": (99.0, 99.0, 84.0), "oracle": (99.0, 85.0, 84.0), "ga": (97.0, 80.0, 82.0),
    "ft": (99.5, 98.0, 84.5), "badt": (98.0, 60.0, 83.0), "scrub": (98.5, 95.0, 83.5),
    "rfa": (98.8, 86.0, 84.0),
}  # fmt: skip
CLASS: Levels = {
    "nothing": (99.0, 99.0, 84.0, 86.0), "oracle": (99.0, 0.0, 86.0, 0.0),
    "ga": (60.0, 1.0, 55.0, 1.0), "ft": (99.5, 60.0, 86.0, 45.0), "badt": (98.0, 5.0, 84.0, 4.0),
    "scrub": (98.5, 20.0, 84.0, 15.0), "rfa": (98.7, 1.0, 85.5, 0.5),
}  # fmt: skip
LEVELS: Mapping[str, Levels] = {"sample": SAMPLE, "class": CLASS}
# method -> activation, feature distance to the original, to the oracle
DISTANCES: Levels = {
    "nothing": (0.30, 0.0, 1.3), "oracle": (0.10, 1.2, 1.0), "ga": (0.50, 0.4, 1.5),
    "ft": (0.25, 0.5, 1.3), "badt": (0.40, 0.8, 1.4), "scrub": (0.30, 0.6, 1.35),
    "rfa": (0.20, 1.1, 1.2),
}  # fmt: skip
ATTACKED: Levels = {  # the part of D_f that is called members: sample, class
    "nothing": (0.99, 0.99), "oracle": (0.60, 0.20), "ga": (0.70, 0.60), "ft": (0.95, 0.80),
    "badt": (0.10, 0.02), "scrub": (0.90, 0.50), "rfa": (0.62, 0.03),
}  # fmt: skip
DISTANCE_NAMES = ("activation", "feature_original", "feature_oracle")


def write_tables(
    folder: Path,
    task: str = TASKS[0],
    *,
    levels: Mapping[str, Levels] = LEVELS,
    distances: Levels = DISTANCES,
    attacked: Levels = ATTACKED,
    noise: float = 0.5,
    klom: bool = False,
    change: Callable[[dict[str, Any], float], float] = lambda head, value: value,
) -> None:
    """EXPERIMENT/TABLE.csv of each experiment; models differ by `noise` points of percent.

    Models of one place share most of their luck. `klom`: KLOM_MODELS models in the experiment
    `table`, and their KLoM. `change`: head of a row (forget_set, method, settings, split,
    experiment), quality in percent -> another. Of text generation the perplexity is the quality:
    100 - right answers + 1.
    """
    generator = np.random.default_rng(0)
    for experiment, grids in GRIDS.items():
        if experiment == "two_epochs" and task != TASKS[0]:
            continue
        models = KLOM_MODELS if klom and experiment == "table" else MODELS
        parts: dict[str, list[pd.DataFrame]] = {}
        for forget_set, scenario in SETS.items():
            if experiment == "two_epochs" and scenario == "class":
                continue
            luck = generator.standard_normal(models)
            for method in [*grids, "oracle"]:
                found = [{}] if method == "oracle" else config.combinations(method, grids[method])
                for setting in map(config.flat, found):
                    head = {"forget_set": forget_set, "method": method, **setting}
                    rows = _Rows(experiment, scenario, task, head, models, luck, noise, generator)
                    tables = rows.made(levels[scenario], distances, attacked, klom, change)
                    for name, own in tables.items():
                        parts.setdefault(name, []).append(pd.DataFrame(own))
        for name, own in parts.items():
            (folder / experiment).mkdir(parents=True, exist_ok=True)
            write_table(join_tables(own), folder / experiment / f"{name}.csv", seal=True)


def inputs_of(folder: Path, printed: Path | None = None) -> dict[str, list[Path]]:
    """What was written, by the names that the study's tables, figures and verdicts know."""
    found = {}
    for path in sorted(folder.glob("*/*.csv")):
        name = path.stem.replace("mia_entropy", "mia")
        name = name.replace("accuracy", "quality").replace("perplexity", "quality")
        found[f"{path.parent.name}_{name}"] = [path]
    return found | ({} if printed is None else {"printed": [printed]})


class _Rows:
    """The rows of one setting in every table."""

    def __init__(
        self, experiment: str, scenario: str, task: str, head: dict[str, Any], models: int,
        luck: np.ndarray, noise: float, generator: np.random.Generator,
    ) -> None:  # fmt: skip
        self.experiment, self.scenario, self.task, self.head = experiment, scenario, task, head
        self.models, self.luck, self.noise, self.generator = models, luck, noise, generator
        self.found: dict[str, list[dict[str, Any]]] = {}
        seconds = {"oracle": 40.0, "rfa": 8.0}.get(head["method"], 4.0)
        self.cost = {"relative_cost": seconds / 40, "seconds": seconds}

    def made(
        self, levels: Levels, distances: Levels, attacked: Levels, klom: bool,
        change: Callable[[dict[str, Any], float], float],
    ) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
        method = self.head["method"]
        own = dict(zip(SPLITS[self.scenario], _by_split(levels[method]), strict=True))
        far = BEST.get(method) not in (None, self.head.get("lr"))
        for number, (split, level) in enumerate(own.items()):
            level = change(
                self.head | {"split": split, "experiment": self.experiment},
                level - 20.0 * (far and split == "retain"),
            )
            drawn = level + self.noise * (0.8 * self.luck + 0.2 * self._draws())
            self._add("quality", split, self._quality(drawn.clip(0, 100)))
            gap = [value * (1 + 0.1 * number) for value in distances[method]]
            values = {
                name: (value * (1 + 0.02 * self._draws())).clip(0)
                for name, value in zip(DISTANCE_NAMES, gap, strict=True)
            }
            values |= {f"{name}_relative": values[name] / 3 for name in DISTANCE_NAMES[1:]}
            self._add("distances", split, values)
            if self.experiment == "table":
                known = attacked[method][self.scenario == "class"]
                told = {"forget": known, "retain": 0.9}.get(split, 0.6)
                shares = (told + 0.02 * self._draws()).clip(0, 1)
                more = {"svm_training_accuracy": 0.8, "logistic_training_accuracy": 0.8,
                        "members": 0.75}  # fmt: skip
                attacks = ("svm", "logistic", "svm_balanced", "logistic_balanced")
                self._add("mia_entropy", split, dict.fromkeys(attacks, shares), more)
        if klom and self.experiment == "table" and method != "oracle":
            self._add_klom(levels)
        return self.found

    def _draws(self) -> np.ndarray:
        return self.generator.standard_normal(self.models)

    def _quality(self, percent: np.ndarray) -> dict[str, np.ndarray]:
        if self.task == TASKS[2]:
            return {"perplexity": 101.0 - percent}
        return {"accuracy": percent / 100}

    def _add(
        self, name: str, split: str, values: dict[str, np.ndarray],
        more: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        """Rows of the table of means and of that of the models."""
        if name == "quality":
            name = next(iter(values))
        keys = {**self.head, "split": split}
        means = {column: own.mean() for column, own in values.items()}
        more = {**(more or {}), "diverged_models": 0, "n_models": self.models}
        self.found.setdefault(name, []).append({**keys, **means, **more, **self.cost})
        first = 10_000 if self.head["method"] == "oracle" else 0
        for place in range(self.models):
            row = {column: own[place] for column, own in values.items()}
            self.found.setdefault(f"{name}_models", []).append(
                {**keys, "seed": first + place, **row}
            )

    def _add_klom(self, levels: Levels) -> None:
        """Ten nats for a hundred points from the oracle, above a floor of 0.6."""
        own, oracle = levels[self.head["method"]], levels["oracle"]
        apart = np.abs(np.array(own) - np.array(oracle)) / 10
        for split, distance in zip(("retain", "forget", "val"), apart, strict=False):
            score = 0.6 + distance
            self.found.setdefault("klom", []).append({
                **self.head, "split": split, "points": 50, "percentile": 95, "klom": score,
                "ci_low": score - 0.2, "ci_high": score + 0.2, "null": 0.6,
                "klom_mean": score / 2, "margin_gap": score, "reversed": score,
                "reversed_null": 0.6, "even_half": score, "odd_half": score,
                "n_models": self.models, "nan_points": 0, "oracle_nan_points": 0,
                "clipped_points": 0, **self.cost,
            })  # fmt: skip
            self.found.setdefault("klom_redraws", []).append({
                **self.head, "split": split,
                **{f"redraw_{n}": score + 0.05 * (n - 2) for n in range(5)},
            })  # fmt: skip


def _by_split(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Of a class also all test points, nine of ten of which are of other classes."""
    if len(levels) == 3:
        return levels
    retain, forget, others, own = levels
    return retain, forget, 0.9 * others + 0.1 * own, others, own
