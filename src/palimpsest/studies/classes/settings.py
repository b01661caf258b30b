"""The settings of the study: its experiments, and what its figures show."""

from collections.abc import Mapping, Sequence
from typing import Any

from palimpsest.config.grids import combinations
from palimpsest.config.origins import Conflict
from palimpsest.config.sentences import check_names
from palimpsest.config.study import ExperimentsStudy
from palimpsest.files import SettingError
from palimpsest.values import Closed, Name, Positive

EXPERIMENTS = {
    "table": ("ft", "ce_ft", "ice_ft", "kl_ft"),
    "rates": ("ft",),
    "alpha": ("ce_ft", "ice_ft", "kl_ft"),
    "divergence": ("ice_ft", "kl_ft"),
    "klom": ("nothing", "ft"),
    "features": ("ft",),
}
"""name of each experiment -> the methods that its tables and figures need"""


class TSne(Closed):
    """A figure of the features of one model on one forget set."""

    forget_set: Name


class Figures(Closed):
    """What the figures show."""

    figure_5: TSne


class Settings(ExperimentsStudy):
    """The section `classes`."""

    equivalence_margin: Positive
    figures: Figures

    def check(self, config: Mapping[str, Any]) -> None:
        """Each experiment is there, with the methods and metrics that are read from its tables."""
        check_names("experiments", list(self.experiments), list(EXPERIMENTS), guess=True)
        for name, methods in EXPERIMENTS.items():
            if name not in self.experiments:
                found = f"holds {', '.join(self.experiments)}, and not {name}"
                raise SettingError("experiments", found, ", ".join(EXPERIMENTS))
            own, place = self.experiments[name], f"experiments.{name}"
            needed = (
                ["accuracy"] + ["mia"] * (name in ("table", "alpha")) + ["klom"] * (name == "klom")
            )
            for key, wanted in (("methods", methods), ("metrics", needed)):
                given = getattr(own, key)
                for one in wanted:
                    if one not in given:
                        found = f"names {', '.join(given)}, and not {one}"
                        raise SettingError(f"{place}.{key}", found, f"{one} and others beside it")
            _check_forget_sets(place, own.forget_sets, config["forget_sets"])
        self._check_grids(config)
        shown, features = self.figures.figure_5.forget_set, self.experiments["features"]
        others = ["classes.experiments.features.forget_sets"]
        check_names("figures.figure_5.forget_set", [shown], features.forget_sets, others=others)
        if "features" not in features.record:
            found = f"is {', '.join(features.record) or 'empty'}"
            raise SettingError(
                "experiments.features.record", found, "features among others, for Figure 5"
            )

    def _check_grids(self, config: Mapping[str, Any]) -> None:
        """What tables and figures read is there once: FT without a mask, an alpha, a rate."""
        sections = config["classes"]["experiments"]

        def settings(experiment: str, method: str) -> list[dict[str, Any]]:
            grids = sections[experiment].get("grids", {})
            return combinations(method, grids.get(method, [{}]))

        for experiment, use in (("table", "the tables"), ("features", "Figure 5")):
            plain = [one for one in settings(experiment, "ft") if not one.get("prepare")]
            if len(plain) != 1:
                found = f"gives {len(plain)} settings without a preparation"
                raise SettingError(
                    f"experiments.{experiment}.grids.ft", found, f"one, the FT of {use}"
                )
        for experiment, method, key in (
            *(("alpha", method, "alpha") for method in EXPERIMENTS["alpha"]),
            ("rates", "ft", "lr"),
        ):
            given = settings(experiment, method)
            if len({one[key] for one in given}) < len(given):
                place = f"experiments.{experiment}.grids.{method}"
                raise SettingError(
                    place, f"gives several settings of one {key}", f"one for each {key}"
                )
        features = config["metrics"].get("mia", {}).get("features", ["confidence"])
        if "confidence" not in features:
            found = f"names mia, whose features are {', '.join(features)}"
            allowed = "confidence among metrics.mia.features, which the tables show"
            raise Conflict("experiments.table.metrics", found, allowed, ["metrics.mia.features"])


def _check_forget_sets(
    place: str, names: Sequence[str], definitions: Mapping[str, Mapping[str, Any]]
) -> None:
    """Whole classes, each once: what is said has the spread between them as its error."""
    known: dict[tuple[int, ...], str] = {}
    for name in names:
        definition = definitions.get(name)
        if definition is None:  # told elsewhere
            continue
        if definition["kind"] != "classes":
            found = f"names {name}, which is of kind {definition['kind']}"
            raise SettingError(f"{place}.forget_sets", found, "forget sets of kind classes")
        own = tuple(sorted(definition["classes"]))
        if own in known:
            found = f"names {known[own]} and {name}, which are the same classes"
            raise SettingError(f"{place}.forget_sets", found, "each class once")
        known[own] = name
