"""What a study holds that puts populations of unlearned models to the test: its experiments."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from palimpsest.metrics import needs_of
from palimpsest.records import ALWAYS
from palimpsest.values import Closed, Models, Names


class Experiment(Closed):
    """Methods on forget sets, by some metrics: one set of tables. A study may be one.

    `settings.configuration` narrows the fields that name things of the library to those there are;
    a study's `Settings` may add keys.
    """

    forget_sets: Names
    models: Models | None = None
    """the first so many of the run's populations; None: all of them"""
    methods: list[str]
    grids: dict[str, Any] = Field(default={})
    metrics: list[str]
    record: list[str] = Field(default=[])
    """statistics that records hold beyond what the metrics need"""
    seconds: Literal["measured", "omitted"] = "measured"

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise a SettingError where keys of the study's own do not fit the whole `config`."""

    def kept(self, settings: Mapping[str, Any]) -> list[str]:
        """The statistics that its records hold, sorted; `settings`: of each metric, by its name."""
        return sorted({*ALWAYS, *self.record, *needs_of(self.metrics, settings)})


class ExperimentsStudy(Closed):
    """A study of several experiments; a study's `Settings` may add keys."""

    experiments: dict[str, Experiment]

    def check(self, config: Mapping[str, Any]) -> None:
        """Raise a SettingError where keys of the study's own do not fit the whole `config`."""


def experiments(studies: Mapping[str, Any]) -> dict[str, Experiment]:
    """The experiments of studies (name to settings) by where their tables lie: `ascent` that of a
    study of one, `classes/alpha` that of a study of several."""
    found: dict[str, Experiment] = {}
    for name, settings in studies.items():
        if isinstance(settings, Experiment):
            found[name] = settings
        if isinstance(settings, ExperimentsStudy):
            found |= {f"{name}/{one}": part for one, part in settings.experiments.items()}
    return found


def key_of(experiment: str) -> tuple[str, ...]:
    """Where an experiment of `experiments` stands in the configuration."""
    study, _, name = experiment.partition("/")
    return (study, "experiments", name) if name else (study,)
