"""Adapters on transformers: DistilBERT, GPT-2 with its tied head, ViT, and torchvision's ViT."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from palimpsest import registry
from palimpsest.files import InputError
from palimpsest.plans.plan import Plan, Prepare
from palimpsest.preparations import lora
from palimpsest.stacks.stack import Stack
from palimpsest.training.data import TrainingData
from palimpsest.training.device import Device
from palimpsest.training.loop import run_epoch
from palimpsest.training.preparing import prepare
from palimpsest.training.sweep import run_sweep

VOCABULARY, LENGTH, PADDING = 30, 9, 0


class Classifier(nn.Module):
    """DistilBERT: token ids (b, length) to logits (b, 3)."""

    def __init__(self, dropout: float = 0.1) -> None:
        from transformers import DistilBertConfig, DistilBertForSequenceClassification

        super().__init__()
        self.model = DistilBertForSequenceClassification(DistilBertConfig(
            vocab_size=VOCABULARY, max_position_embeddings=LENGTH, dim=16, n_layers=2, n_heads=2,
            hidden_dim=24, num_labels=3, pad_token_id=PADDING, dropout=dropout,
            attention_dropout=dropout, seq_classif_dropout=dropout,
        ))  # fmt: skip

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(tokens, attention_mask=(tokens != PADDING).long()).logits


class Writer(nn.Module):
    """GPT-2: token ids (b, length) to logits of the next tokens (b, length - 1, vocabulary)."""

    def __init__(self) -> None:
        from transformers import GPT2Config, GPT2LMHeadModel

        super().__init__()
        self.model = GPT2LMHeadModel(GPT2Config(
            vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=16, n_layer=2, n_head=2,
            bos_token_id=1, eos_token_id=1,
        ))  # fmt: skip

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(tokens, attention_mask=(tokens != PADDING).long()).logits[:, :-1]


class Viewer(nn.Module):
    """ViT of transformers: images (b, 1, 8, 8) to logits (b, 3)."""

    def __init__(self) -> None:
        from transformers import ViTConfig, ViTForImageClassification

        super().__init__()
        self.model = ViTForImageClassification(ViTConfig(
            image_size=8, patch_size=4, num_channels=1, hidden_size=16, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=24, num_labels=3,
        ))  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images).logits


def fused() -> nn.Module:
    """ViT of torchvision, whose attention is nn.MultiheadAttention."""
    from torchvision.models import VisionTransformer

    made = VisionTransformer(
        image_size=8, patch_size=4, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=24,
        num_classes=3, dropout=0.1,
    )  # fmt: skip
    made.conv_proj = nn.Conv2d(1, 16, 4, 4)
    nn.init.normal_(made.heads.head.weight)  # which torchvision starts at zero
    return made


def stack_of(build: Callable[[], nn.Module]) -> Stack:
    torch.manual_seed(0)
    model = build().double()
    return Stack(model, [model.state_dict()])


def data(build: Callable[..., nn.Module]) -> TrainingData:
    """Random texts, filled up behind, or random images."""
    generator = torch.Generator().manual_seed(1)
    splits = {"forget": torch.arange(6), "retain": torch.arange(6, 24), "train": torch.arange(24)}
    if build not in (Classifier, Writer):
        images = torch.randn(24, 1, 8, 8, generator=generator, dtype=torch.float64)
        return TrainingData(images, torch.arange(24) % 3, splits, 3)
    tokens = torch.randint(2, VOCABULARY, (24, LENGTH), generator=generator)
    lengths = torch.randint(4, LENGTH + 1, (24, 1), generator=generator)
    tokens[torch.arange(LENGTH) >= lengths] = PADDING
    labels, classes = torch.arange(24) % 3, 3
    if build is Writer:
        labels, classes = tokens[:, 1:].where(tokens[:, 1:] != PADDING, -1), VOCABULARY
    return TrainingData(tokens, labels, splits, classes, padding=PADDING)


def rfa(**settings: Any) -> Plan:
    chosen = {"lr": 0.01, "epochs": 2, "batch": 12, "forget_per_batch": 4, "rank": 2}
    plan: Plan = registry.make("methods", "rfa", settings=chosen | settings)
    return plan


EXPECTED = {
    Classifier: {"q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2", "pre_classifier"},
    Writer: {"c_attn", "c_proj", "c_fc"},
    Viewer: {"projection", "q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"},
    fused: {"conv_proj", "0", "3"},
}
"""model -> last names of the layers adapted where none is named"""


@pytest.mark.parametrize("build", EXPECTED, ids=lambda build: build.__name__)
def test_rfa_runs_on_transformers_and_leaves_an_ordinary_one(
    build: Callable[[], nn.Module],
) -> None:
    points, stack = data(build), stack_of(build)
    names, kinds = list(stack.network.state_dict()), [*map(type, stack.network.modules())]
    plan = rfa()
    prepared, optimiser = prepare(stack, plan, points, [3])
    assert {name.split(".lora_")[0].split(".")[-1] for name in prepared.trained} == EXPECTED[build]
    run_epoch(
        stack, optimiser, plan, plan.epochs[0], data=points, seeds=[3], number=0,
        purpose="unlearn", device=Device(), prepared=prepared,
    )  # fmt: skip
    original = stack_of(build).eval()(points.inputs[:, None])
    stack.eval()
    _, residuals = prepared.forward(stack, points.inputs[:, None])
    before = stack(points.inputs[:, None])
    finished = prepared.finish(stack).eval()
    after = finished(points.inputs[:, None])
    assert before.shape == (24, 1, *original.shape[2:])
    assert torch.allclose(after, before, rtol=0, atol=1e-10)
    assert float((before - original).abs().max()) > 1e-3
    assert list(finished.network.state_dict()) == names
    assert [*map(type, finished.network.modules())] == kinds
    for x, dx in residuals.values():
        assert x.shape == dx.shape and x.shape[:2] == (24, 1) and bool((dx != 0).any())


@pytest.mark.parametrize("build", [Classifier, Writer, Viewer], ids=lambda build: build.__name__)
def test_merging_changes_no_output_in_float32(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model, points = build(), data(build)
    if build is Viewer:
        points = replace(points, inputs=points.inputs.float())
    stack = Stack(model, [model.state_dict()])
    prepared, _ = prepare(stack, rfa(), points, [3])
    original = stack.eval()(points.inputs[:, None])
    for name in prepared.trained:
        nn.init.normal_(stack.network.get_parameter(name), std=0.1)
    before = stack(points.inputs[:, None])
    after = prepared.finish(stack)(points.inputs[:, None])
    assert before.dtype == torch.float32
    apart, moved = (float((after - other).detach().abs().max()) for other in (before, original))
    assert apart < 1e-6 < moved


@pytest.mark.parametrize("build", [Classifier, Writer], ids=lambda build: build.__name__)
def test_dropout_is_off_in_the_teachers_pass(build: Callable[[], nn.Module]) -> None:
    """An adapter that is off leaves dropout on: the mode has to be set as well."""
    points, found = data(build), {}
    for teacher in ("disabled", "network"):
        stack = stack_of(build)
        (outcome,) = run_sweep(
            stack, {0: rfa(teacher=teacher)}, data=points, seeds=[3], device=Device()
        )
        found[teacher] = outcome.stack.state_dicts()[0]
    assert all(torch.equal(found["network"][n], v) for n, v in found["disabled"].items())
    stack = stack_of(build)
    prepared, _ = prepare(stack, rfa(), points, [3])
    passes = [prepared.forward(stack, points.inputs[:, None]) for _ in range(2)]
    assert not torch.equal(passes[0][0], passes[1][0])  # the student's is on
    for name, (x, _) in passes[0][1].items():
        assert torch.equal(x, passes[1][1][name][0])


def test_the_fused_attention_of_torchvision_is_refused_by_name() -> None:
    stack = stack_of(fused)
    settings = (("rank", 2), ("layers", "out_proj mlp.0"))
    with pytest.raises(InputError) as error:
        prepare(stack, Plan((), prepare=Prepare("lora", settings)), data(fused), [3])
    layers = [f"encoder.layers.encoder_layer_{n}.mlp.{m}" for n in (0, 1) for m in (0, 3)]
    assert str(error.value) == (
        "layers names encoder.layers.encoder_layer_0.self_attention.out_proj, a projection of "
        "fused attention, which reads its weight past any adapter; allowed: conv_proj, "
        f"{', '.join(layers)}, heads.head"
    )


def test_the_tied_head_of_gpt2_is_left_out_and_refused_by_name() -> None:
    stack, points = stack_of(Writer), data(Writer)
    with pytest.raises(InputError) as error:
        settings = (("rank", 2), ("layers", "c_attn lm_head"))
        prepare(stack, Plan((), prepare=Prepare("lora", settings)), points, [3])
    assert str(error.value).startswith(
        "layers names model.lm_head, whose weight is that of model.transformer.wte too, which "
        "merging would change; allowed: model.transformer.h.0.attn.c_attn, "
    )
    (outcome,) = run_sweep(stack, {0: rfa()}, data=points, seeds=[3], device=Device())
    network, original = outcome.stack.network.model, stack.network.model
    assert network.lm_head.weight is network.transformer.wte.weight
    assert torch.equal(network.lm_head.weight, original.lm_head.weight)
    own, before = network.transformer.h[0].attn.c_attn, original.transformer.h[0].attn.c_attn
    assert own.weight.shape == (16, 48) and not torch.equal(own.weight, before.weight)


def test_layerwise_is_exact_in_no_transformer_but_for_its_first_layers() -> None:
    """The three projections of the first block read one input, which no adapter has changed."""
    points, plan = data(Classifier), rfa(epochs=1)
    stack = stack_of(Classifier)
    prepared, optimiser = prepare(stack, plan, points, [3])
    run_epoch(
        stack, optimiser, plan, plan.epochs[0], data=points, seeds=[3], number=0,
        purpose="unlearn", device=Device(), prepared=prepared,
    )  # fmt: skip
    differences = list(lora.layerwise_differences(stack, points.inputs[:, None]).values())
    assert max(differences[:3]) < 1e-10 and min(differences[3:]) > 1e-4


@pytest.mark.parametrize("build", [Classifier, Writer], ids=lambda build: build.__name__)
@pytest.mark.parametrize("mean_over", ["batch", "population"])
def test_what_fills_a_text_up_has_no_say(build: Callable[[], nn.Module], mean_over: Any) -> None:
    """Other embeddings of the padding change nothing: it is attended to nowhere."""
    points, found = data(build), []
    plan = rfa(mean_over=mean_over, epochs=1)
    for shift in (0.0, 1.0):
        stack = stack_of(lambda: Classifier(dropout=0.0) if build is Classifier else quiet())
        table = stack.network.get_parameter(
            "model.distilbert.embeddings.word_embeddings.weight"
            if build is Classifier
            else "model.transformer.wte.weight"
        )
        with torch.no_grad():
            table[PADDING] += shift
            if build is Writer:  # the head is tied to it: keep the logit of padding where it was
                stack.network.model.lm_head.weight = nn.Parameter(table.detach().clone())
                stack.network.model.lm_head.weight[PADDING] -= shift
        (outcome,) = run_sweep(stack, {0: plan}, data=points, seeds=[3], device=Device())
        found.append(outcome.stack.state_dicts()[0])
    for name, value in found[0].items():
        if "wte" not in name and "word_embeddings" not in name:
            assert torch.allclose(value, found[1][name], rtol=0, atol=1e-9), name


def quiet() -> Writer:
    """GPT-2 without dropout."""
    made = Writer()
    for module in made.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for block in made.model.transformer.h:
        block.attn.attn_dropout.p = 0.0
    return made
