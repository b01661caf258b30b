"""The sections of the configuration: models made from signatures, and what has no signature."""

import functools
import importlib
import importlib.util
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from palimpsest import records, registry
from palimpsest.config.study import Experiment, ExperimentsStudy
from palimpsest.plans.recipe import recipe
from palimpsest.values import (
    MOST_MODELS,
    Closed,
    Count,
    File,
    Models,
    Name,
    Once,
    Run,
    Seed,
    Share,
    Some,
    Text,
)


class Data(Closed):
    """What all data sets share; a source's own settings are the keywords of its `load`."""

    name: str
    data_dir: File
    download: bool
    checksums: File
    val_fraction: Share
    train_size: Count | None
    val_size: Count | None
    split_seed: Seed


class Populations(Closed):
    """Originals and oracles: how many, of which seeds, and how they are dealt into jobs."""

    models: Models
    first_seed: Seed
    oracle_first_seed: Seed
    second_oracle_first_seed: Seed
    block: Count
    stack: Count
    second_oracle: Annotated[list[Name], Once]
    second_oracle_models: Models


class Datamodels(Closed):
    """How the important points are found, and how the estimate is tested."""

    shipped: Text | None
    held_out: Annotated[int, Field(ge=5, le=MOST_MODELS)]
    seeds: Models
    fraction: Share
    first_seed: Seed
    block: Count


def sections() -> dict[str, Any]:
    """The engine's keys and what each may hold: annotations, of the things that there are now."""
    training: Any = registry.keywords(recipe, "src/palimpsest/plans/recipe.py")
    return {
        "run": Run,
        "studies": _words(list(studies())),
        "data": registry.tagged("data/sources", "name", Data),
        "device": Literal["cpu", "cuda"],
        "precision": Literal["float32", "bfloat16"],
        "model": registry.tagged("models", "name"),
        "training": create_model("training", __base__=Closed, **training),
        "populations": Populations,
        "datamodels": _datamodels(),
        "forget_sets": Annotated[dict[Name, forget_set()], Some],  # type: ignore[misc]
        "metrics": _metrics(),
    }


def _datamodels() -> type[BaseModel]:
    """The estimator chosen, and the settings of each."""
    names = registry.names("datamodels/estimators")
    chosen: Any = Literal[tuple(names)]
    each: Any = {name: (registry.settings_of("datamodels/estimators", name), ...) for name in names}
    return create_model(
        "datamodels",
        __base__=Datamodels,
        estimator=(chosen, ...),
        estimators=(create_model("estimators", __base__=Closed, **each), ...),
    )


def forget_set() -> Any:
    """One definition of a forget set, as an annotation."""
    return registry.tagged("data/forget_sets", "kind")


def studies() -> dict[str, type[BaseModel]]:
    """The settings of each study: the folders of `studies` that have them."""
    found = {}
    for name in registry.names("studies"):
        module = f"palimpsest.studies.{name}.settings"
        if importlib.util.find_spec(module):
            found[name] = importlib.import_module(module).Settings
    return found


def configuration() -> type[BaseModel]:
    """The whole configuration as a model: the engine's sections, and one of each study."""
    things = tuple(tuple(registry.names(folder)) for folder in [*registry.KINDS, "studies"])
    return _configuration(things)


@functools.cache
def _configuration(things: tuple[tuple[str, ...], ...]) -> type[BaseModel]:
    """`configuration` of these `things` of the library, made once: it takes half a second."""
    known = sections() | {name: _study(name, settings) for name, settings in studies().items()}
    fields: Any = {name: (hint, ...) for name, hint in known.items()}
    return create_model("Configuration", __base__=Closed, **fields)


def _study(name: str, settings: type[BaseModel]) -> type[BaseModel]:
    """A study's settings; where they name things of the library, narrowed to those there are."""
    if issubclass(settings, Experiment):
        return _experiment(name, settings)
    if issubclass(settings, ExperimentsStudy):
        each: Any = dict[Name, _experiment(f"{name}_experiment", Experiment)]  # type: ignore[misc]
        return create_model(name, __base__=settings, experiments=(Annotated[each, Some], ...))
    return create_model(name, __base__=settings)


def _experiment(name: str, settings: type[Experiment]) -> type[Experiment]:
    """The settings of an experiment, narrowed to the things of the library that there are."""
    kept = [name for name in records.STATISTICS if name not in records.ALWAYS]
    return create_model(
        name,
        __base__=settings,
        methods=(_words(registry.names("methods")), ...),
        grids=(_grids(), settings.model_fields["grids"].default),
        metrics=(_words(registry.names("metrics")), ...),
        record=(_words(kept, fewest=0), settings.model_fields["record"].default),
    )


def chosen_studies(config: Mapping[str, Any]) -> dict[str, BaseModel]:
    """The settings of the studies that a checked configuration lists, by name."""
    known = studies()
    return {name: known[name].model_validate(config[name]) for name in config["studies"]}


def grid_of(method: str) -> type[BaseModel]:
    """A grid of a method: lists of its settings, and of preparations."""
    return _grid_of(method, tuple(registry.names("preparations")))


@functools.cache
def _grid_of(method: str, preparations: tuple[str, ...]) -> type[BaseModel]:
    prepare = registry.tagged("preparations", "name") | None
    return registry.grid_of("methods", method, prepare=prepare)


def _grids() -> type[BaseModel]:
    """For each method a list of grids."""
    grids: Any = {
        name: (Annotated[list[grid_of(name)], Some], None)  # type: ignore[misc]
        for name in registry.names("methods")
    }
    return create_model("grids", __base__=Closed, **grids)


def _metrics() -> type[BaseModel]:
    """The settings of each metric; one that needs none given may be left out."""
    metrics: Any = {}
    for name in registry.names("metrics"):
        model = registry.settings_of("metrics", name)
        needed = any(field.is_required() for field in model.model_fields.values())
        metrics[name] = (model, None if needed else model())
    return create_model("metrics", __base__=Closed, **metrics)


def _words(words: list[str], *, fewest: int = 1) -> Any:
    """A list of some of these words, each once."""
    return Annotated[list[Literal[tuple(words)]], Field(min_length=fewest), Once]  # type: ignore[misc]
