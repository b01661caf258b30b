"""The settings of the study, beside those of every study of populations."""

from collections.abc import Mapping
from typing import Annotated, Any

from palimpsest.config.origins import Conflict
from palimpsest.config.sentences import check_names
from palimpsest.config.study import Experiment
from palimpsest.files import SettingError
from palimpsest.values import Closed, Name, Names, Once, Positive, Several, Some


class Planes(Closed):
    """A figure with a plane for each of its forget sets."""

    forget_sets: Names


class TimeCourse(Closed):
    """A figure of one forget set."""

    forget_set: Name


class Figures(Closed):
    """What the figures show."""

    figure_1: Planes
    figure_2: TimeCourse
    figure_3: Planes


class Settings(Experiment):
    """The section `ascent`."""

    equivalence_margin: Positive
    numbers_of_models: Annotated[list[Several], Some, Once]
    figures: Figures

    def check(self, config: Mapping[str, Any]) -> None:
        """The figures show forget sets of the study, beside the original, of models there are."""
        figures, models = self.figures, config["populations"]["models"]
        for key, names in (
            ("figures.figure_1.forget_sets", figures.figure_1.forget_sets),
            ("figures.figure_2.forget_set", [figures.figure_2.forget_set]),
            ("figures.figure_3.forget_sets", figures.figure_3.forget_sets),
        ):
            check_names(key, names, self.forget_sets, others=["ascent.forget_sets"])
        if "nothing" not in self.methods or len(self.methods) < 2:
            found = f"names {', '.join(self.methods)}"
            raise SettingError("methods", found, "nothing, the original, and another one")
        if missing := [name for name in ("klom", "accuracy") if name not in self.metrics]:
            found = f"names {', '.join(self.metrics)}, and not {missing[0]}"
            raise SettingError("metrics", found, "klom, accuracy, and others beside them")
        if max(self.numbers_of_models) > models and "ascent" in config["studies"]:
            found = f"holds {max(self.numbers_of_models)}"
            allowed = f"at most populations.models, which is {models}"
            raise Conflict("numbers_of_models", found, allowed, ["populations.models"])

    def figure_settings(self) -> dict[str, dict[str, Any]]:
        """What each figure shows; Figures 1 to 3 the methods of ascent, if the study has any."""
        methods = [name for name in self.methods if name != "nothing"]
        ascent = [name for name in methods if name in ("ga", "gda")] or methods
        figures = self.figures
        return {
            "figure_1": {"forget_sets": figures.figure_1.forget_sets, "methods": ascent},
            "figure_2": {"forget_set": figures.figure_2.forget_set, "method": ascent[0]},
            "figure_3": {"forget_sets": figures.figure_3.forget_sets, "methods": ascent},
            "figure_6": {"forget_sets": self.forget_sets, "methods": methods},
            "figure_7": {"forget_sets": self.forget_sets, "methods": methods},
        }
