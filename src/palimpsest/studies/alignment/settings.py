"""The settings of the study: its experiments, and how learning rates are chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest import models
from palimpsest.config.grids import combinations
from palimpsest.config.origins import Conflict
from palimpsest.config.sentences import check_names
from palimpsest.config.study import Experiment, ExperimentsStudy
from palimpsest.files import SettingError
from palimpsest.studies.alignment.changes import base_of
from palimpsest.values import Count, Positive

BASELINES = ("ga", "ft", "badt", "scrub")
EXPERIMENTS: Mapping[str, tuple[str, ...]] = {
    "table": ("nothing", *BASELINES, "rfa"),
    "gamma": ("nothing", "rfa"),
    "sensitivity": ("nothing", "rfa"),
    "two_epochs": ("nothing", "badt", "scrub", "rfa"),
}
"""name of each experiment -> the methods that its tables and figures need"""
OPTIONAL = ("two_epochs",)
FEWEST_REPORTED, FEWEST_OF_KLOM = 5, 20
"""models that a table reports; and that a KLoM is made from"""
IMAGES, TEXTS, GENERATION = "image classification", "text classification", "text generation"


class Settings(ExperimentsStudy):
    """The section `alignment`."""

    tuning_models: Count
    equivalence_margin: Positive

    def check(self, config: Mapping[str, Any]) -> None:
        """Each experiment is there, with the sets, methods, rates and metrics that are read from
        its tables; where the run lists the study, as its model and number of models allow."""
        check_names("experiments", list(self.experiments), list(EXPERIMENTS), guess=True)
        sets = config["forget_sets"]
        for name, methods in EXPERIMENTS.items():
            if name not in self.experiments and name in OPTIONAL:
                continue
            if name not in self.experiments:
                found = f"holds {', '.join(self.experiments)}, and not {name}"
                raise SettingError("experiments", found, ", ".join(EXPERIMENTS))
            part, place = self.experiments[name], f"experiments.{name}"
            _check_needed(f"{place}.methods", part.methods, methods)
            self._check_forget_sets(name, sets)
            _check_grids(place, name, part, config)
        if "alignment" in config["studies"]:
            self._check_run(config)

    def _check_forget_sets(self, name: str, sets: Mapping[str, Mapping[str, Any]]) -> None:
        """The table has a class and a random set, the other experiments the same."""
        table, place = self.experiments["table"].forget_sets, f"experiments.{name}.forget_sets"
        own = self.experiments[name].forget_sets
        if not set(own) | set(table) <= set(sets):  # told elsewhere
            return
        kinds = [sets[one]["kind"] for one in own]
        if name == "table" and sorted(kinds) != ["classes", "random"]:
            found = f"names {', '.join(own)}, of kind {', '.join(kinds)}"
            raise SettingError(place, found, "one of kind classes and one of kind random")
        wanted = {
            "gamma": table,
            "two_epochs": [one for one in table if sets[one]["kind"] == "random"],
        }
        allowed = wanted.get(name, table)
        same = set(own) == set(allowed) if name in wanted else set(own) <= set(allowed)
        if not same:
            others = ["alignment.experiments.table.forget_sets"]
            told = f"{' and '.join(allowed)}, of the experiment table"
            raise Conflict(place, f"names {', '.join(own)}", told, others)

    def _check_run(self, config: Mapping[str, Any]) -> None:
        """What a run of this model and so many models can show."""
        task, name = task_of(config), config["model"]["name"]
        if "two_epochs" in self.experiments and task != IMAGES:
            found = f"holds two_epochs, the paper's Table II of images, and model.name is {name}"
            raise Conflict("experiments", found, "no two_epochs here", ["model.name"])
        for experiment, part in self.experiments.items():
            needed = [quality_of(task), "distances", *["mia_entropy"] * (experiment == "table")]
            _check_needed(f"experiments.{experiment}.metrics", part.metrics, needed)
            count = part.models or config["populations"]["models"]
            others = ["populations.models", f"alignment.experiments.{experiment}.models"]
            if "klom" in part.metrics and count < FEWEST_OF_KLOM:
                key, found = f"experiments.{experiment}.metrics", f"names klom, of {count} models"
                raise Conflict(key, found, f"klom of {FEWEST_OF_KLOM} models or more", others)
            tuned = self.tuning_models if experiment in ("table", "two_epochs") else 0
            if count - tuned < FEWEST_REPORTED and tuned:
                found = f"is {tuned}, and of the {count} models of experiments.{experiment} "
                found += f"{max(count - tuned, 0)} are left to be reported"
                allowed = f"so many fewer than its models that {FEWEST_REPORTED} are left"
                raise Conflict("tuning_models", found, allowed, others)
            attacked = config["metrics"].get("mia_entropy", {}).get("attacked")
            least = self.tuning_models + FEWEST_REPORTED
            if attacked is not None and attacked < least and "mia_entropy" in part.metrics:
                key, found = (
                    f"experiments.{experiment}.metrics",
                    "names mia_entropy, which attacks ",
                )
                found += f"the first {attacked} models, and {self.tuning_models} choose the rates"
                allowed = f"metrics.mia_entropy.attacked of {least} or more, or null"
                where = ["metrics.mia_entropy.attacked", "alignment.tuning_models", *others]
                raise Conflict(key, found, allowed, where)
            if count < FEWEST_REPORTED:
                key = f"experiments.{experiment}.models"
                raise Conflict(key, f"is {count}", f"{FEWEST_REPORTED} or more", others[:1])

    def scenarios(self, sets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Forget set -> class | sample."""
        return {
            name: "class" if sets[name]["kind"] == "classes" else "sample"
            for name in self.experiments["table"].forget_sets
        }


def task_of(config: Mapping[str, Any]) -> str:
    """What the run's model does."""
    name = config["model"]["name"]
    if models.predicts(name) == "next_token":
        return GENERATION
    return TEXTS if models.reads(name) == "texts" else IMAGES


def quality_of(task: str) -> str:
    """The metric of what models answer."""
    return "perplexity" if task == GENERATION else "accuracy"


def tables_of(metrics: Sequence[str], task: str) -> dict[str, str]:
    """The tables of an experiment of these metrics, by the names that the study's figures, tables
    and verdicts have for them: `quality`, and `quality_models` of single models."""
    names = {quality_of(task): "quality", "mia_entropy": "mia"}
    found: dict[str, str] = {}
    for metric in metrics:
        name = names.get(metric, metric)
        more = "_redraws" if metric == "klom" else "_models"
        found |= {name: metric, f"{name}{more}": f"{metric}{more}"}
    return found


def beside(config: Mapping[str, Any]) -> dict[str, str]:
    """The paper's data set and model whose numbers stand beside those of a run."""
    task, name = task_of(config), config["model"]["name"]
    if task == IMAGES:
        dataset = "Fashion-MNIST" if "fashion" in config["data"]["name"] else "CIFAR-10"
        return {"dataset": dataset, "model": "ViT" if name == "vit" else "ResNet18"}
    if task == TEXTS:
        return {"dataset": "IMDB", "model": "DistilBERT"}
    return {"dataset": "ELI5-Category", "model": "DistilGPT2"}


def _check_needed(key: str, given: Sequence[str], wanted: Sequence[str]) -> None:
    """Each of `wanted` is among `given`."""
    for one in wanted:
        if one not in given:
            found = f"names {', '.join(given)}, and not {one}"
            raise SettingError(key, found, f"{one} and others beside it")


def _check_grids(place: str, name: str, part: Experiment, config: Mapping[str, Any]) -> None:
    """A setting is told by its rate alone, in `gamma` by its gamma; `sensitivity` has a base."""
    grids = config["alignment"]["experiments"][name].get("grids", {})
    for method in [one for one in part.methods if one in grids]:
        settings, key = combinations(method, grids[method]), KEYS.get(name, "")
        given = [one.get(key) for one in settings]
        again = [value for number, value in enumerate(given) if value in given[:number]]
        if key and again:
            found = f"gives several settings of {key} {again[0]}"
            raise SettingError(f"{place}.grids.{method}", found, f"one for each {key}")
        if not key and base_of(settings) not in settings:
            found = "has no setting in which all is as in most of the others"
            raise SettingError(
                f"{place}.grids.{method}", found, "one that the others change a part of"
            )


KEYS = {"table": "lr", "two_epochs": "lr", "gamma": "gamma"}
"""experiment -> the one thing that its settings of a method differ in"""
