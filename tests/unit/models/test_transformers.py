"""Models of the library transformers: what they compute, from scratch and from local folders."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from palimpsest import models, registry
from palimpsest.data.facts import Facts
from palimpsest.datamodels.gradients import last_layer, margin_gradients
from palimpsest.files import InputError, SettingError
from palimpsest.huggingface import transformers
from palimpsest.stacks.stack import Stack
from palimpsest.training.evaluate import margins

TEXTS = Facts(100, None, 3, (9,), vocabulary=20, padding=0)
IMAGES = Facts(100, None, 3, (1, 14, 14))
TINY = {"dim": 8, "layers": 2, "heads": 2}
MODELS = {
    "distilbert": (TEXTS, TINY),
    "distilgpt2": (TEXTS, TINY),
    "vit": (IMAGES, {**TINY, "patch": 7}),
}


def build(name: str, facts: Facts, seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    model: nn.Module = registry.make("models", name, facts, settings=settings)
    return model


def tokens(points: int = 4, seed: int = 0) -> torch.Tensor:
    """Texts, the second filled up from its sixth token on."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(1, 20, (points, 9), generator=generator)
    drawn[1, 5:] = 0
    return drawn


def inputs(name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 1, 14, 14, generator=generator) if name == "vit" else tokens()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as `save_pretrained` writes them: of other heads, one in half precision, one as a
    file of pickles."""
    library, base = transformers(), tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(7)
    bert = library.DistilBertConfig(
        vocab_size=20, max_position_embeddings=16, dim=8, n_layers=2, n_heads=2, hidden_dim=16,
        num_labels=5,
    )  # fmt: skip
    library.DistilBertForSequenceClassification(bert).save_pretrained(base / "distilbert")
    library.DistilBertForMaskedLM(bert).half().save_pretrained(base / "masked")
    gpt2 = library.GPT2Config(vocab_size=20, n_positions=16, n_embd=8, n_layer=2, n_head=2)
    language = library.GPT2LMHeadModel(gpt2)
    language.save_pretrained(base / "distilgpt2")
    (base / "pickled").mkdir()
    gpt2.save_pretrained(base / "pickled")
    torch.save(language.state_dict(), base / "pickled" / "pytorch_model.bin")
    vit = library.ViTConfig(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        image_size=28, patch_size=7, num_labels=7,
    )  # fmt: skip
    library.ViTForImageClassification(vit).save_pretrained(base / "vit")
    return base


# ------------------------------------------------------------------------------- from scratch
@pytest.mark.parametrize("name", MODELS)
def test_weights_are_counted_without_building_the_network(name: str) -> None:
    facts, settings = MODELS[name]
    for more in ({}, {"hidden": 12, "layers": 1}, {"dropout": 0.0}):
        state = build(name, facts, **settings | more).state_dict()
        counted = registry.module("models", name).weights(facts, **settings | more)
        assert counted == sum(value.numel() for value in state.values())


@pytest.mark.parametrize(
    ("name", "facts", "published"),
    [
        ("distilbert", Facts(9, None, 2, (512,), 30522, 0), 66_955_010),
        ("distilgpt2", Facts(9, None, 2, (1024,), 50257, 0), 81_912_576),
        ("vit", Facts(9, None, 1000, (3, 224, 224)), 86_567_656),
    ],
)
def test_without_sizes_it_is_the_published_network(name: str, facts: Facts, published: int) -> None:
    assert registry.module("models", name).weights(facts) == published


@pytest.mark.parametrize("name", MODELS)
def test_a_network_depends_on_the_seed_alone(name: str) -> None:
    facts, settings = MODELS[name]
    first, again, other = (build(name, facts, seed, **settings).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    matrices = [key for key, value in first.items() if value.dim() > 1]
    assert not any(torch.equal(first[key], other[key]) for key in matrices)


@pytest.mark.parametrize("name", MODELS)
def test_attention_is_computed_step_by_step(name: str) -> None:
    facts, settings = MODELS[name]
    model = build(name, facts, **settings)
    (config,) = {m.config._attn_implementation for m in model.modules() if hasattr(m, "config")}
    assert config == "eager"
    kinds = {type(module).__name__ for module in model.modules()}
    assert "MultiheadAttention" not in kinds  # fused: adapters on its projections do nothing


@pytest.mark.parametrize("name", MODELS)
def test_a_point_does_not_depend_on_its_batch(name: str) -> None:
    facts, settings = MODELS[name]
    model, x = build(name, facts, **settings).eval().double(), inputs(name)
    x = x.double() if name == "vit" else x
    alone = torch.cat([model(one[None]) for one in x])
    assert torch.allclose(model(x), alone, rtol=1e-12)


def test_a_classifier_is_that_of_the_library_and_does_not_see_padding() -> None:
    model, x = build("distilbert", TEXTS, **TINY).eval(), tokens()
    assert model(x).shape == (4, 3)
    direct = model.network(input_ids=x[1:2, :5]).logits  # the text without what fills it up
    assert torch.allclose(model(x)[1], direct[0], atol=1e-6)
    names = set(
        transformers().DistilBertForSequenceClassification(model.network.config).state_dict()
    )
    assert {name.removeprefix("network.") for name in model.state_dict()} == names


def test_a_classifier_has_a_gradient_of_each_point_as_estimators_take_them() -> None:
    model, x, labels = (
        build("distilbert", TEXTS, **TINY).eval(),
        tokens(),
        torch.tensor([0, 1, 2, 1]),
    )
    names = last_layer(model)
    assert names == ["network.classifier.weight", "network.classifier.bias"]
    found, _ = margin_gradients(model, x, labels, names)
    for n, (text, label) in enumerate(zip(x, labels, strict=True)):
        margin = margins(model(text[None])[:, None], label[None]).sum()
        own = torch.autograd.grad(margin, [model.get_parameter(name) for name in names])
        assert torch.allclose(torch.cat([value.flatten() for value in own]), found[n], atol=1e-6)


def test_a_language_model_is_that_of_the_library_with_a_tied_head() -> None:
    model, x = build("distilgpt2", TEXTS, **TINY).eval(), tokens()
    assert model(x).shape == (4, 8, 20)
    whole = transformers().GPT2LMHeadModel(model.transformer.config).eval()
    report = whole.load_state_dict(model.state_dict(), strict=False)
    assert report.missing_keys == ["lm_head.weight"] and not report.unexpected_keys
    whole.tie_weights()
    full = x[[0, 2, 3]]
    assert torch.allclose(model(full), whole(input_ids=full).logits[:, :-1], atol=1e-6)
    assert torch.allclose(model(x)[1, :4], model(x[1:2, :5])[0], atol=1e-6)


def test_a_language_model_sees_nothing_of_what_it_is_asked_for() -> None:
    model, x = build("distilgpt2", TEXTS, **TINY).eval(), tokens()
    other = x.clone()
    other[:, 4] = other[:, 4] % 19 + 1
    same = (model(x) == model(other)).all(-1)
    assert same[:, :4].all() and not same[[0, 2, 3], 4:].any()


def test_a_tied_head_is_one_matrix_and_no_layer() -> None:
    model = build("distilgpt2", TEXTS, **TINY)
    state = model.state_dict()
    assert len({value.data_ptr() for value in state.values()}) == len(state)
    assert not [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    shape = (20, 8)
    assert [name for name, value in state.items() if value.shape == shape] == [
        "transformer.wte.weight"
    ]
    x = tokens()
    before = model.eval()(x)
    with torch.no_grad():
        model.transformer.wte.weight[13] += 1.0  # a row of it is the logit of that token
    assert not torch.allclose(before[..., 13], model(x)[..., 13])


@pytest.mark.parametrize("item", [(1, 8, 8), (3, 14, 21), (2, 4, 4)])
def test_a_narrow_vit_reads_images_of_any_size(item: tuple[int, int, int]) -> None:
    facts = Facts(9, None, 5, item)
    patch = 7 if item[1] == 14 else 4
    model = build("vit", facts, **TINY, patch=patch)
    assert model(torch.zeros(2, *item)).shape == (2, 5)
    tokens = model.network.vit.embeddings.position_embeddings.shape[1]
    assert tokens == (item[1] // patch) * (item[2] // patch) + 1


@pytest.mark.parametrize("name", MODELS)
def test_it_runs_alone_and_a_stack_of_two_is_refused(name: str) -> None:
    facts, settings = MODELS[name]
    model = build(name, facts, **settings)
    stack = Stack(model, [model.state_dict()])
    with stack.evaluating():
        assert torch.equal(stack(inputs(name)[:, None])[:, 0], model.eval()(inputs(name)))
    (back,) = stack.state_dicts()
    assert all(torch.equal(back[key], value) for key, value in model.state_dict().items())
    assert not models.stacks(name)
    with pytest.raises(ValueError, match="cannot be stacked"):
        Stack(model, [model.state_dict()] * 2)


# ------------------------------------------------------------------------- from a local folder
NEW = {
    "distilbert": ["network.classifier.weight"],
    "masked": ["network.pre_classifier.weight", "network.classifier.weight"],
    "distilgpt2": [],
    "pickled": [],
    "vit": ["network.classifier.weight"],
}
OF = {"masked": "distilbert", "pickled": "distilgpt2"}


@pytest.mark.parametrize("kind", NEW)
def test_a_folder_is_read_in_silence_and_its_head_is_drawn(
    kind: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a network connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    name, path = OF.get(kind, kind), str(folder / kind)
    facts = MODELS[name][0]
    models.check({"name": name, "pretrained": path}, facts)
    models.check_files({"name": name, "pretrained": path}, facts)
    first, again, other = (build(name, facts, seed, pretrained=path) for seed in (1, 1, 2))
    states = [model.state_dict() for model in (first, again, other)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    drawn = [key for key in states[0] if not torch.equal(states[0][key], states[2][key])]
    assert drawn == NEW[kind]
    assert {value.dtype for value in states[0].values()} == {torch.float32}
    assert all(module.training for module in first.modules())
    counted = registry.module("models", name).weights(facts, pretrained=path)
    assert counted == sum(value.numel() for value in states[0].values())
    assert first(inputs(name)).shape[0] == 4
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_folder_of_gpt2_gives_the_logits_of_the_library(folder: Path) -> None:
    whole = transformers().GPT2LMHeadModel.from_pretrained(folder / "distilgpt2").eval()
    for kind in ("distilgpt2", "pickled"):
        model = build("distilgpt2", TEXTS, pretrained=str(folder / kind)).eval()
        full = tokens()[[0, 2]]
        assert torch.allclose(model(full), whole(input_ids=full).logits[:, :-1], atol=1e-6)


def test_a_head_of_as_many_classes_is_kept(folder: Path) -> None:
    five = Facts(100, None, 5, (9,), 20, 0)
    path = str(folder / "distilbert")
    first, other = (build("distilbert", five, seed, pretrained=path) for seed in (1, 2))
    weights = [model.network.classifier.weight for model in (first, other)]
    assert torch.equal(*weights)


def test_grey_images_are_enlarged_and_read_as_grey_ones_of_three_channels(folder: Path) -> None:
    path, x = str(folder / "vit"), inputs("vit")
    grey = build("vit", IMAGES, pretrained=path).eval().double()
    colour = build("vit", Facts(9, None, 3, (3, 14, 14)), pretrained=path).eval().double()
    assert torch.allclose(grey(x.double()), colour(x.double().expand(-1, 3, -1, -1)))
    large = nn.functional.interpolate(x.double(), size=28, mode="bilinear")
    assert torch.equal(grey.network(large).logits, grey(x.double()))


# --------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("name", "facts", "settings", "sentence"),
    [
        ("distilbert", IMAGES, {}, "name is distilbert, which reads texts, and the data set holds "
         "images; allowed: resnet18, resnet18_imagenet, resnet9, vit"),
        ("vit", TEXTS, {}, "name is vit, which reads images, and the data set holds texts; "),
        ("distilbert", TEXTS, {"dim": 10, "heads": 4}, "heads is 4; allowed: a divisor of dim, wh"),
        ("distilgpt2", TEXTS, {"dim": 10}, "heads is 12; allowed: a divisor of dim, which is 10"),
        ("vit", IMAGES, {"patch": 4}, "patch is 4; allowed: a divisor of the images' sides, 14 a"),
        ("vit", IMAGES, {}, "patch is 16; allowed: a divisor of the images' sides, 14 and 14"),
        ("distilgpt2", TEXTS, {"dim": 12, "pretrained": "here"},
         "dim is 12, and pretrained is here, which decides it; allowed: null beside pretrained"),
        ("vit", IMAGES, {"patch": 7, "pretrained": "here"}, "patch is 7, and pretrained is here"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_without_building(
    name: str, facts: Facts, settings: dict, sentence: str
) -> None:
    with pytest.raises(SettingError) as error:
        models.check({"name": name, **settings}, facts)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("name", "kind", "facts", "sentence"),
    [
        ("distilbert", "nowhere", TEXTS, "nowhere, which is not there; allowed: a folder with con"),
        ("distilbert", "distilbert/config.json", TEXTS, "config.json, which is no folder; allowed"),
        ("distilbert", "distilgpt2", TEXTS, 'whose config.json has the model_type "gpt2"; allowed'),
        ("distilgpt2", "vit", TEXTS, 'whose config.json has the model_type "vit"; allowed: a fol'),
        ("distilbert", "distilbert", Facts(9, None, 3, (9,), 30, 0),
         "which knows 20 kinds of tokens, and those of the data set are 30; allowed: a model wit"),
        ("distilgpt2", "distilgpt2", Facts(9, None, 3, (17,), 20, 0),
         "which reads 16 tokens, and the texts have 17; allowed: texts cut to 16 tokens, or anoth"),
        ("vit", "vit", Facts(9, None, 3, (2, 14, 14)), "which reads 3 channels; allowed: a model "),
    ],
)  # fmt: skip
def test_a_folder_that_does_not_fit_is_said_before_it_is_read(
    folder: Path, name: str, kind: str, facts: Facts, sentence: str
) -> None:
    with pytest.raises(SettingError) as error:
        models.check_files({"name": name, "pretrained": kind}, facts, folder)
    assert str(error.value).startswith(f"pretrained is {folder / kind}")
    assert sentence in str(error.value) and "\n" not in str(error.value)


def config_of(folder: Path, kind: str, **changed: Any) -> str:
    """A copy of a folder without its weights, its config.json changed."""
    copy = folder / f"changed_{kind}_{'_'.join(changed)}"
    copy.mkdir(exist_ok=True)
    content = json.loads((folder / kind / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(content | changed))
    return str(copy)


def test_damaged_folders_are_one_sentence_each(folder: Path) -> None:
    def refusal(path: str, name: str = "distilgpt2") -> str:
        with pytest.raises(InputError) as error:
            models.check_files({"name": name, "pretrained": path}, TEXTS)
            build(name, TEXTS, pretrained=path)
        return str(error.value)

    empty = config_of(folder, "distilgpt2")
    assert "which holds no model.safetensors; allowed: a folder with config.json" in refusal(empty)
    Path(empty, "model.safetensors").write_bytes(b"1234")
    assert refusal(empty).startswith(f"{empty}: its weights cannot be read (")
    other = config_of(folder, "distilgpt2", n_layer=3)
    weights = (folder / "distilgpt2" / "model.safetensors").read_bytes()
    Path(other, "model.safetensors").write_bytes(weights)
    assert refusal(other).startswith(f"{other}: the weights h.2.attn.c_attn.bias are missing; ")
    wide = config_of(folder, "distilgpt2", n_inner=40)
    Path(wide, "model.safetensors").write_bytes(weights)
    assert refusal(wide).startswith(f"{wide}: the weights h.0.mlp.c_fc.bias have another shape; ")
    untied = config_of(folder, "distilgpt2", tie_word_embeddings=False)
    Path(untied, "model.safetensors").write_bytes(weights)
    assert "whose head has weights of its own; allowed: a model with a tied head" in refusal(untied)
    odd = config_of(folder, "distilgpt2", n_embd="8")
    Path(odd, "model.safetensors").write_bytes(weights)
    assert 'whose config.json has the n_embd "8"; allowed: a number of at least 1' in refusal(odd)
    Path(odd, "config.json").write_text("{")
    assert refusal(odd).startswith(f"{Path(odd, 'config.json')}: cannot be read (")


def test_a_machine_that_only_looks_counts_the_published_weights() -> None:
    facts = Facts(9, None, 2, (128,), 30522, 0)
    counted = registry.module("models", "distilbert").weights(facts, pretrained="nowhere")
    assert counted == 66_955_010


def test_reading_the_files_and_their_checks_imports_no_heavy_library() -> None:
    code = (
        "import sys; from palimpsest import models, registry; from palimpsest.data.facts import "
        "Facts\nfor name in registry.names('models'):\n    registry.settings_of('models', name)\n"
        "models.check({'name': 'distilgpt2', 'dim': 8, 'heads': 2}, Facts(9, 5, 2, (9,), 9, 0))\n"
        "print([m for m in ('torch', 'transformers', 'torchvision', 'peft') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr
