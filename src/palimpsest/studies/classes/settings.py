"""The settings of the study: its experiments, and what its figures show."""

from collections.abc import Mapping
from typing import Any

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
        shown, table = self.figures.figure_5.forget_set, self.experiments["table"]
        others = ["classes.experiments.table.forget_sets"]
        check_names("figures.figure_5.forget_set", [shown], table.forget_sets, others=others)
        if "features" not in table.record:
            found = f"is {', '.join(table.record) or 'empty'}"
            raise SettingError(
                "experiments.table.record", found, "features among others, for Figure 5"
            )
