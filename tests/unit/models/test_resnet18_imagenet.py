"""The ResNet-18 of ImageNet: torchvision's, from scratch and from a local file of weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18

from palimpsest import models
from palimpsest.data.facts import Facts
from palimpsest.files import InputError, SettingError
from palimpsest.models.resnet18_imagenet import build, check_files, weights
from palimpsest.stacks.stack import Stack

GREY, COLOUR = Facts(9, None, 5, (1, 32, 32)), Facts(9, None, 5, (3, 32, 32))


def made(facts: Facts, seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build(facts, **settings)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as torchvision's files hold them, of 1000 classes."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.manual_seed(7)
    torch.save(resnet18(weights=None).state_dict(), path)
    return path


@pytest.mark.parametrize("facts", [GREY, COLOUR, Facts(9, None, 1000, (3, 224, 224))], ids=str)
def test_weights_are_counted_without_building_the_network(facts: Facts) -> None:
    state = made(facts).state_dict()
    assert weights(facts) == sum(value.numel() for value in state.values())
    if facts.classes == 1000:
        assert sum(value.numel() for value in made(facts).parameters()) == 11_689_512


def test_from_scratch_it_is_torchvisions_and_depends_on_the_seed() -> None:
    torch.manual_seed(3)
    theirs = resnet18(weights=None, num_classes=5).eval()
    ours, x = made(COLOUR, 3).eval(), torch.randn(2, 3, 32, 32)
    assert torch.equal(ours(x), theirs(x))
    first, again, other = (made(GREY, seed).network.conv1.weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.05)  # by fan-out


def test_a_file_gives_all_but_the_head_and_grey_images_the_sum_of_the_kernels(file: Path) -> None:
    stored = torch.load(file, weights_only=True)
    colour, grey = (made(facts, pretrained=str(file)) for facts in (COLOUR, GREY))
    for name, value in colour.network.state_dict().items():
        assert name.startswith("fc.") or torch.equal(value, stored[name]), name
    heads = [made(COLOUR, seed, pretrained=str(file)).network.fc.weight for seed in (1, 2)]
    assert heads[0].shape == (5, 512) and not torch.equal(*heads)
    x = torch.randn(2, 1, 32, 32, dtype=torch.float64)
    inner = [model.double().eval().network for model in (grey, colour)]
    inner[0].fc = inner[1].fc  # two heads, drawn after as many numbers
    assert torch.allclose(inner[0](x), inner[1](x.expand(-1, 3, -1, -1)))
    thousand = made(Facts(9, None, 1000, (3, 32, 32)), pretrained=str(file))
    assert torch.equal(thousand.network.fc.weight, stored["fc.weight"])


def test_safetensors_and_files_without_counts_are_read_too(file: Path, tmp_path: Path) -> None:
    stored = torch.load(file, weights_only=True)
    old = {name: value for name, value in stored.items() if not name.endswith("batches_tracked")}
    save_file(old, tmp_path / "old.safetensors")
    first, second = (
        made(COLOUR, pretrained=str(path)) for path in (file, tmp_path / "old.safetensors")
    )
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_images_are_enlarged_where_it_is_asked_for() -> None:
    plain, large = made(COLOUR).eval(), made(COLOUR, side=64).eval()
    x = torch.randn(2, 3, 32, 32)
    wide = nn.functional.interpolate(x, size=64, mode="bilinear")
    assert torch.equal(large(x), plain(wide)) and not torch.equal(large(x), plain(x))
    assert list(plain.state_dict()) == list(large.state_dict())


def test_two_models_stack_and_compute_what_each_does_alone(file: Path) -> None:
    states = [made(GREY, seed, pretrained=str(file)).state_dict() for seed in (1, 2)]
    template, x = made(GREY, side=40), torch.randn(2, 2, 1, 32, 32)
    assert models.stacks("resnet18_imagenet")
    stack = Stack(template, states)
    with stack.evaluating():
        together = stack(x)
    for j, state in enumerate(states):
        alone = Stack(template, [state])
        with alone.evaluating():
            assert torch.allclose(together[:, j], alone(x[:, j : j + 1])[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("facts", "path", "sentence"),
    [
        (
            Facts(9, None, 5, (2, 8, 8)),
            "a.pth",
            "a.pth, and the images have 2 channels; allowed: n",
        ),
        (
            COLOUR,
            "nowhere.pth",
            "nowhere.pth, which is not there; allowed: a file of weights (.pth",
        ),
        (COLOUR, ".", "., which is no file; allowed: a file of weights (.pth or .safetensors)"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(facts: Facts, path: str, sentence: str) -> None:
    model = {"name": "resnet18_imagenet", "pretrained": path}
    with pytest.raises(SettingError) as error:
        models.check(model, facts)
        models.check_files(model, facts)
    assert str(error.value).startswith(f"pretrained is {sentence}")


def test_what_a_file_holds_is_refused_when_it_is_read(file: Path, tmp_path: Path) -> None:
    stored = torch.load(file, weights_only=True)

    def refusal(content: Any, name: str = "other.pth") -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(InputError) as error:
            check_files(COLOUR, pretrained=str(path))
            made(COLOUR, pretrained=str(path))
        assert str(path) in str(error.value) and "\n" not in str(error.value)
        return str(error.value)

    less = {name: value for name, value in stored.items() if name != "layer4.1.conv2.weight"}
    assert "weights layer4.1.conv2.weight are missing; needed: those of a ResNet-18" in refusal(
        less
    )
    odd = stored | {"bn1.bias": torch.zeros(3)}
    assert "the weights bn1.bias have another shape; needed" in refusal(odd)
    assert "its weights cannot be read (" in refusal(b"1234")
    assert "its weights cannot be read (" in refusal(b"1234", "other.safetensors")
    assert "holds no map of tensors; needed: the weights of a ResNet-18" in refusal([1, 2])
    assert "allowed: a file of weights (.pth or .safetensors)" in refusal(b"", "weights.bin")
