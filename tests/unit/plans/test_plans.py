"""Plans: the recipe, the paper's methods, what a plan costs, that reading one needs no torch."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from palimpsest import registry
from palimpsest.files import InputError, SettingError
from palimpsest.plans.losses import CrossEntropy, Distillation, LabelDivergence
from palimpsest.plans.optimisers import AdamW, Sgd, optimiser_of
from palimpsest.plans.plan import Phase, Plan, Prepare, Term, cap_batches
from palimpsest.plans.recipe import recipe

SIZES = {"forget": 10, "retain": 25}


def method(name: str, **settings) -> Plan:
    return registry.make("methods", name, settings=settings)


def test_learning_rate_is_the_papers_triangle() -> None:
    plan = recipe(
        epochs=24, peak_epoch=5, batch_size=16, peak_lr=0.4, momentum=0.9, weight_decay=5e-4
    )
    steps = 10  # per epoch
    found = [
        epoch[0].lr + (epoch[0].lr_end - epoch[0].lr) * step / steps
        for epoch in plan.epochs
        for step in range(steps)
    ]
    expected = 0.4 * np.interp(np.arange(24 * steps) / steps, [0, 5, 24], [0, 1, 0])
    assert np.allclose(found, expected, atol=1e-12)
    assert plan.optimiser == Sgd(momentum=0.9, weight_decay=5e-4)
    assert plan.terms() == {Term("retain", 16)}


def test_scrub_follows_its_paper() -> None:
    plan = method("scrub", lr=1.0, epochs=10, ascent_epochs=3)
    assert [len(epoch) for epoch in plan.epochs] == [2, 2, 2] + [1] * 7
    rates = [epoch[-1].lr for epoch in plan.epochs]
    assert np.allclose(rates, [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001])
    (ascent,), (descent,) = (phase.terms for phase in plan.epochs[0])
    assert ascent.weight == -1 and ascent.split == "forget"
    assert (ascent.loss.alpha, ascent.loss.gamma) == (1, 0)
    assert descent.weight == 1 and descent.split == "retain" and descent.loss.gamma == 0.99
    assert plan.needs_teacher()


def test_ga_ascends_and_gda_ascends_then_descends() -> None:
    ga = method("ga", lr=0.1, epochs=3)
    assert ga.epochs == ((Phase((Term("forget", 64, weight=-1.0),), 0.1),),) * 3
    gda = method("gda", lr=0.1, epochs=3, ascent_epochs=2, retain_batch=7)
    ascent, descent = (
        Phase((Term("forget", 64, weight=-1.0),), 0.1),
        Phase((Term("retain", 7),), 0.1),
    )
    assert gda.epochs == ((ascent, descent), (ascent, descent), (descent,))
    for plan in (ga, gda):
        assert plan.optimiser == Sgd() and plan.batch_norm == "train" and plan.prepare is None
        assert not plan.needs_teacher()
    for name in ("gda", "scrub"):
        with pytest.raises(SettingError, match="ascent_epochs is 4; allowed: at most epochs, 3"):
            method(name, lr=0.1, epochs=3, ascent_epochs=4)


def test_unknown_methods_and_settings_are_named() -> None:
    with pytest.raises(
        InputError, match=r"methods: there is no 'gaa'; allowed: badt, ce_ft, ft, ga, gda"
    ):
        method("gaa")
    settings = registry.settings_of("methods", "ga")
    with pytest.raises(ValidationError, match=r"rate\s+Extra inputs are not permitted"):
        settings(lr=0.1, epochs=2, rate=1.0)
    with pytest.raises(ValidationError, match=r"epochs\s+Field required"):
        settings(lr=0.1)


@pytest.mark.parametrize(
    "wrong",
    [{"lr": -1.0}, {"lr": "1"}, {"lr": float("nan")}, {"epochs": 0}, {"epochs": 2.0},
     {"epochs": True}, {"forget_batch": 0}, {"batch_norm": "eval"}],
    ids=str,
)  # fmt: skip
def test_settings_of_a_method_are_checked_strictly(wrong: dict) -> None:
    settings = registry.settings_of("methods", "ga")
    fitting = {"lr": 0.1, "epochs": 2}
    assert settings(**fitting).forget_batch == 64
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        settings(**fitting | wrong)


def test_a_plan_counts_its_steps_and_passes() -> None:
    one = Phase((Term("forget", 4),), 0.1)
    three = Phase((Term("forget", 4), Term("retain", 7), Term("forget", 3)), 0.1)
    assert (one.steps(SIZES), one.passes(SIZES)) == (3, 10)  # 4 + 4 + 2
    assert (three.steps(SIZES), three.passes(SIZES)) == (3, 10 + 3 * 7 + 3 * 3)
    assert Phase((Term("retain", 25),), 0.1).steps(SIZES) == 1
    assert Plan(epochs=((one, three), (one,))).passes(SIZES) == 10 + 40 + 10
    assert Plan(epochs=()).passes(SIZES) == 0


def test_no_batch_is_larger_than_its_split() -> None:
    phase = Phase((Term("forget", 64, weight=-1.0), Term("retain", 20)), 0.1, forward="joint")
    plan = Plan(epochs=((phase,),), optimiser=AdamW(), prepare=Prepare("random_mask"))
    capped = cap_batches(plan, SIZES)
    terms = (replace(phase.terms[0], batch=10), phase.terms[1])
    assert capped == replace(plan, epochs=((replace(phase, terms=terms),),))
    assert cap_batches(capped, SIZES) == capped


@pytest.mark.parametrize(
    ("term", "needed"),
    [
        (Term("forget", 4, Distillation(1.0, 0.0, 4.0)), True),
        (Term("forget", 4, targets="teacher"), True),
        (Term("forget", 4, CrossEntropy(), targets="random_excluding"), False),
    ],
)
def test_a_teacher_is_needed_by_losses_and_by_targets(term: Term, needed: bool) -> None:
    second = Phase((Term("retain", 4), term), 0.1)
    assert Plan(epochs=((Phase((Term("forget", 2),), 0.1),), (second,))).needs_teacher() == needed


def test_optimisers_are_those_of_torch() -> None:
    weights = [torch.nn.Parameter(torch.zeros(2))]
    sgd = Sgd(momentum=0.9, weight_decay=0.1, warmup_steps=3).make(weights)
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["momentum"], sgd.defaults["weight_decay"], sgd.defaults["lr"]) == (
        0.9,
        0.1,
        0,
    )
    adamw = AdamW(weight_decay=0.2, beta1=0.8, beta2=0.95, epsilon=1e-6).make(weights)
    assert isinstance(adamw, torch.optim.AdamW)
    assert adamw.defaults["betas"] == (0.8, 0.95)
    assert (adamw.defaults["weight_decay"], adamw.defaults["eps"], adamw.defaults["lr"]) == (
        0.2,
        1e-6,
        0,
    )


def test_a_setting_names_the_optimiser_and_sgd_is_what_it_was() -> None:
    assert optimiser_of("sgd") == Sgd() and optimiser_of("adamw") == AdamW(weight_decay=0.0)
    assert optimiser_of("adamw", momentum=0.9, weight_decay=0.1) == AdamW(weight_decay=0.1)
    rates = {"lr": 0.1, "epochs": 3}
    for name, settings, sgd in (
        ("ga", rates, Sgd()),
        ("ft", rates, Sgd(momentum=0.9, weight_decay=5e-4)),
        ("scrub", rates | {"ascent_epochs": 2}, Sgd()),
    ):
        plain, adamw = method(name, **settings), method(name, **settings, optimiser="adamw")
        assert plain.optimiser == sgd
        assert adamw == replace(plain, optimiser=AdamW(weight_decay=sgd.weight_decay))


def test_the_recipe_with_adamw_warms_up_and_falls_by_the_same_triangle() -> None:
    settings = {"epochs": 4, "peak_epoch": 1, "batch_size": 16, "peak_lr": 5e-5}
    settings |= {"momentum": 0.9, "weight_decay": 0.1}
    plain, adamw = recipe(**settings), recipe(**settings, optimiser="adamw")
    assert plain.optimiser == Sgd(momentum=0.9, weight_decay=0.1)
    assert adamw == replace(plain, optimiser=AdamW(weight_decay=0.1))


READ = """
import palimpsest.plans.recipe, palimpsest.records, palimpsest.parts
from palimpsest import registry
for folder in registry.KINDS:
    for name in registry.names(folder):
        registry.settings_of(folder, name)
plan = registry.make("methods", "scrub", settings={"lr": 0.1, "epochs": 5, "ascent_epochs": 3})
assert plan.needs_teacher() and plan.passes({"forget": 10, "retain": 20}) == 130
facts = palimpsest.data.facts.Facts(9, None, 10, (1, 8, 8))
assert registry.module("models", "resnet9").weights(facts, width=4) > 0
"""


def test_reading_methods_models_metrics_and_preparations_needs_no_torch() -> None:
    command = f"import sys; sys.path[:] = {sys.path!r}; {READ}\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_methods_of_fine_tuning_are_their_equations() -> None:
    kept, wrong = Term("retain", 64), Term("forget", 64, targets="shift")
    momentum = Sgd(momentum=0.9, weight_decay=5e-4)
    assert method("ft") == Plan(((Phase((kept,), 0.01),),) * 10, momentum)
    ce = method("ce_ft", alpha=0.3, epochs=1)
    assert ce == Plan(((Phase((replace(kept, weight=0.3), wrong), 0.01),),), momentum)
    both = method("ce_ft", alpha=0.3, epochs=1, descend_on="all", joint=False)
    assert both.epochs == ((Phase((wrong,), 0.01), Phase((Term("train", 64, weight=0.3),), 0.01)),)
    ice = method("ice_ft", alpha=0.2, epochs=1, forward="joint")
    assert ice.epochs == ((Phase((kept, replace(wrong, weight=0.2)), 0.01, forward="joint"),),)
    kl = method("kl_ft", alpha=0.2, epochs=1, kl_reduction="batchmean", forward="forget_first")
    loss = LabelDivergence("labels||model", "batchmean", 0.0)
    divergence = Term("forget", 64, loss, 0.2, "shift")
    assert kl.epochs == ((Phase((kept, divergence), 0.01, forward="reversed"),),)
    with pytest.raises(SettingError, match="target_smoothing is 0; allowed: above 0"):
        method("kl_ft", kl_direction="model||labels")


def test_the_penalty_of_sparse_fine_tuning_falls_to_zero() -> None:
    plan = method("sparse_ft", epochs=4, l1=0.2)
    assert np.allclose([epoch[0].l1 for epoch in plan.epochs], [0.2, 0.15, 0.1, 0.05])


def test_random_labels_are_drawn_anew_in_each_pass() -> None:
    first, second = method("random_labels", epochs=1).epochs[0]
    assert first.terms == (Term("forget", 64, targets="random_including", redraw=True),)
    assert second.terms == (Term("retain", 64),)
