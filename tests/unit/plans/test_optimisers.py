"""Optimisers: torch's own to the last bit, without the compiler that torch's guards import."""

import copy
import subprocess
import sys

import pytest
import torch

from palimpsest.plans.optimisers import AdamW, Sgd

TORCHS = {
    Sgd(momentum=0.9, weight_decay=5e-4): lambda weights: torch.optim.SGD(
        weights, lr=0.0, momentum=0.9, weight_decay=5e-4
    ),
    AdamW(weight_decay=0.1, beta2=0.99): lambda weights: torch.optim.AdamW(
        weights, lr=0.0, betas=(0.9, 0.99), weight_decay=0.1
    ),
}


def trained(make) -> list[torch.Tensor]:
    """Weights after steps of an optimiser, whose state is put back on the way as in a sweep."""
    weights = [torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_(), torch.ones(4).cos()]
    weights[1].requires_grad_()
    optimiser = make(weights)
    for step in range(6):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 / (1 + step)
        optimiser.zero_grad(set_to_none=True)
        sum((weight**3).sum() for weight in weights).backward()
        optimiser.step()
        if step == 2:
            state = copy.deepcopy(optimiser.state_dict())
            optimiser.load_state_dict(copy.deepcopy(state))
    return [weight.detach() for weight in weights]


@pytest.mark.parametrize("ours", TORCHS, ids=lambda ours: type(ours).__name__)
def test_an_optimiser_steps_as_torchs_own(ours) -> None:
    found, expected = trained(ours.make), trained(TORCHS[ours])
    assert all(map(torch.equal, found, expected))
    assert not torch.equal(found[1], torch.ones(4).cos())


STEP = """
import torch
from palimpsest.plans.optimisers import AdamW, Sgd
for kind in (Sgd(0.9, 5e-4), AdamW()):
    weight = torch.ones(3, requires_grad=True)
    optimiser = kind.make([weight])
    optimiser.zero_grad()
    weight.sum().backward()
    optimiser.step()
    optimiser.load_state_dict(optimiser.state_dict())
print([name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules])
"""


def test_a_step_does_not_import_the_compiler() -> None:
    command = f"import sys; sys.path[:] = {sys.path!r}; {STEP}"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
