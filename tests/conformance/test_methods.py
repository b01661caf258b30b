"""Every method of the registry passes the conformance suite, without being named here."""

from typing import Any

import pytest

from palimpsest import registry
from palimpsest.conformance import Implementation, Toy, examine, settings_to_try
from palimpsest.plans.losses import Distillation
from palimpsest.plans.optimisers import AdamW
from palimpsest.plans.plan import Phase, Plan, Prepare, Term


@pytest.mark.parametrize("method", registry.names("methods"))
def test_method_conforms(method: str, toy: Toy) -> None:
    assert examine(method, toy=toy) == []


@pytest.mark.parametrize("thing", ["methods/gda", "preparations/random_mask"])
def test_every_setting_of_a_method_or_preparation_is_varied(thing: str) -> None:
    folder, _, own = thing.partition("/")
    tried = settings_to_try(own, folder)
    for name in registry.settings_of(folder, own).model_fields:
        assert len({str(setting[name]) for setting in tried}) == 2


@pytest.mark.parametrize("forward", ["separate", "reversed", "joint"])
def test_a_plan_with_all_that_the_language_has_conforms(forward: str, toy: Toy) -> None:
    """Terms in one step, labels of every kind, a penalty, AdamW with warm-up, a mask."""
    kinds = ["true", "shift", "random_excluding", "random_including", "teacher"]

    def plan(method: str, settings: dict[str, Any]) -> Plan:
        phase = Phase(
            (
                Term("forget", 4, weight=0.5, targets=kinds[settings["epochs"]], redraw=True),
                Term("retain", 32, Distillation(0.5, 0.7, 2.0)),
                Term("train", 8, weight=0.1, targets=kinds[settings["epochs"] - 1]),
            ),
            settings["lr"] / 10,
            forward=forward,
            l1=1e-3,
        )
        return Plan(
            epochs=((phase,),) * settings["epochs"],
            optimiser=AdamW(warmup_steps=4),
            prepare=Prepare("random_mask", (("share", 0.5), ("mask_seed", 1))),
            batch_norm=settings["batch_norm"],
        )

    assert examine("ga", Implementation(plan=plan), toy) == []
