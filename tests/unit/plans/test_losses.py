"""Losses: by hand, and to the last bit the forms of torch.nn.functional."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from palimpsest.plans.losses import Batch, CrossEntropy, Distillation, LabelDivergence

SHAPES = [(1, 1, 2), (6, 2, 4), (64, 5, 10), (33, 16, 100)]


def draw(shape: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits that want a gradient, labels, logits of a teacher; float32."""
    generator = torch.Generator().manual_seed(sum(shape))
    logits = 5 * torch.randn(shape, generator=generator)
    teacher = 5 * torch.randn(shape, generator=generator)
    labels = torch.randint(0, shape[2], shape[:2], generator=generator)
    return logits.requires_grad_(), labels, teacher


def test_losses_by_hand() -> None:
    student, teacher = torch.randn(6, 2, 4), torch.randn(6, 2, 4)
    labels = torch.randint(0, 4, (6, 2))
    batch, t = Batch(student, labels, teacher), 4.0
    p, q = (teacher / t).softmax(-1), (student / t).softmax(-1)
    kl = t**2 * (p * (p / q).log()).sum(-1).mean(0)
    ce = -student.log_softmax(-1).gather(2, labels[..., None]).squeeze(2).mean(0)
    assert torch.allclose(CrossEntropy()(batch), ce)
    assert torch.allclose(Distillation(1.0, 0.0, t)(batch), kl, atol=1e-6)
    assert torch.allclose(Distillation(0.1, 0.99, t)(batch), 0.99 * ce + 0.1 * kl, atol=1e-6)
    assert "teacher" in Distillation(1.0, 0.0, t).needs
    assert "teacher" not in CrossEntropy().needs


def cross_entropy(batch: Batch) -> torch.Tensor:
    """Of torch, one value per model."""
    losses = F.cross_entropy(batch.logits.flatten(0, 1), batch.labels.flatten(), reduction="none")
    return losses.reshape(batch.labels.shape).mean(0)


def distillation(batch: Batch, alpha: float, gamma: float, t: float) -> torch.Tensor:
    """Of torch, one value per model."""
    student, target = F.log_softmax(batch.logits / t, -1), F.log_softmax(batch.teacher / t, -1)
    kl = F.kl_div(student, target, reduction="none", log_target=True).sum(-1).mean(0) * t**2
    return alpha * kl if gamma == 0.0 else alpha * kl + gamma * cross_entropy(batch)


def value_and_gradient(loss, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    value = loss(batch)
    (gradient,) = torch.autograd.grad(value.sum(), batch.logits)
    return value.detach(), gradient


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy_is_that_of_torch_to_the_last_bit(shape: tuple[int, int, int]) -> None:
    logits, labels, _ = draw(shape)
    found = value_and_gradient(CrossEntropy(), Batch(logits, labels))
    expected = value_and_gradient(cross_entropy, Batch(logits, labels))
    assert found[0].shape == shape[1:2]
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "settings", [(1.0, 0.0, 4.0), (0.001, 0.99, 4.0), (0.5, 0.7, 1.0), (2.0, 0.1, 3.3)], ids=str
)
def test_distillation_is_that_of_torch_to_the_last_bit(
    shape: tuple[int, int, int], settings: tuple[float, float, float]
) -> None:
    logits, labels, teacher = draw(shape)
    batch = Batch(logits, labels, teacher)
    found = value_and_gradient(Distillation(*settings), batch)
    expected = value_and_gradient(lambda batch: distillation(batch, *settings), batch)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_the_losses_of_models_do_not_touch_each_other() -> None:
    logits, labels, teacher = draw((6, 2, 4))
    for loss in (CrossEntropy(), Distillation(0.5, 0.5, 2.0)):
        first = loss(Batch(logits, labels, teacher))[0]
        (gradient,) = torch.autograd.grad(first, logits)
        assert gradient[:, 0].any() and not gradient[:, 1].any()


def test_losses_are_plain_data() -> None:
    assert CrossEntropy() == CrossEntropy()
    assert Distillation(1.0, 0.0, 4.0) == Distillation(1.0, 0.0, 4.0)
    assert len({Distillation(1.0, 0.0, 4.0), Distillation(1.0, 0.5, 4.0), CrossEntropy()}) == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        Distillation(1.0, 0.0, 4.0).alpha = 2.0


@pytest.mark.parametrize("reduction", ["batchmean", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_divergence_from_labels_is_kl_div_of_torch(reduction: str, smoothing: float) -> None:
    logits, labels, _ = draw((33, 3, 7))
    found = LabelDivergence("labels||model", reduction, smoothing)(Batch(logits, labels))
    wanted = (1 - smoothing) * F.one_hot(labels, 7).float() + smoothing / 7
    for model in range(3):
        log_p = logits[:, model].log_softmax(-1)
        expected = F.kl_div(log_p, wanted[:, model], reduction=reduction)
        assert torch.allclose(found[model], expected, rtol=1e-5)


def test_divergence_of_the_model_from_smoothed_labels_is_kl_div_of_torch() -> None:
    logits, labels, _ = draw((33, 3, 7))
    found = LabelDivergence("model||labels", "batchmean", 0.2)(Batch(logits, labels))
    wanted = 0.8 * F.one_hot(labels, 7).float() + 0.2 / 7
    for model in range(3):
        p = logits[:, model].softmax(-1)
        expected = F.kl_div(wanted[:, model].log(), p, reduction="batchmean")
        assert torch.allclose(found[model], expected, rtol=1e-5)


def test_divergence_from_labels_that_are_not_smoothed_is_cross_entropy() -> None:
    logits, labels, _ = draw((64, 5, 10))
    batch = Batch(logits, labels)
    assert torch.allclose(LabelDivergence()(batch), CrossEntropy()(batch), rtol=1e-6)
