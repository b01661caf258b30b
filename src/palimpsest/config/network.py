"""Whether layers that settings name are in the run's network, before any job trains it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palimpsest import models, registry
from palimpsest.config.grids import combinations, plan_of
from palimpsest.config.origins import Key, Origins
from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import experiments, key_of
from palimpsest.data.facts import Facts

if TYPE_CHECKING:
    from torch import nn

Check = Callable[..., None]
"""of a network and the settings of a thing: SettingError for what does not fit"""


def check_layers(origins: Origins, facts: Facts, root: Path) -> None:
    """InputError for a layer that the listed studies name and the run's network has not, and for
    adapters that do not fit it. The network is built only where a setting asks for that."""
    asked = list(_asked(origins.config))
    if not asked:
        return
    network = _network(origins.config["model"], facts, root)
    for place, check, settings in asked:
        with origins.below(*place):
            check(network, **settings)


def _asked(config: Mapping[str, Any]) -> Iterator[tuple[Key, Check, dict[str, Any]]]:
    """Where settings stand that a thing of the library holds to a network, the check and them."""
    for name, test in experiments(chosen_studies(config)).items():
        for metric in test.metrics:
            settings = config["metrics"].get(metric) or {}
            check = getattr(registry.module("metrics", metric), "check_network", None)
            if check is not None and any(value is not None for value in settings.values()):
                yield ("metrics", metric), check, settings
        for method in test.methods:
            for place, grid in enumerate(test.grids.get(method, [{}])):
                for setting in combinations(method, [grid]):
                    prepare = plan_of(method, setting).prepare
                    if prepare is None:
                        continue
                    module = registry.module("preparations", prepare.name)
                    if hasattr(module, "check_network"):
                        key: Key = (*key_of(name), "grids", method, place)
                        yield key, module.check_network, dict(prepare.settings)


def _network(model: Mapping[str, Any], facts: Facts, root: Path) -> "nn.Module":
    """The run's network, without numbers where it does not begin from a file."""
    import torch

    paths = {setting: str(root / path) for setting, path in models.files(model).items()}
    settings = {key: value for key, value in {**model, **paths}.items() if key != "name"}
    complete = registry.settings_of("models", model["name"]).model_validate(settings).model_dump()
    with nullcontext() if paths else torch.device("meta"):
        network: nn.Module = registry.make("models", model["name"], facts, settings=complete)
    return network
