"""What a model may be asked for: its data, its settings and files, what it predicts, its stack."""

import json

import pytest

from palimpsest import config, models, registry
from palimpsest.config import needs
from palimpsest.data.facts import Facts

SOURCE = """
from palimpsest.data.facts import Facts
def facts(data_dir, checksums):
    return Facts(200, None, 3, (9,), vocabulary=20, padding=0)
def check(data_dir, download, checksums): ...
def load(data_dir, download, checksums):
    from synthetic_texts import texts
    return texts(200)
"""
TINY = {"dim": 8, "layers": 1, "heads": 2}


@pytest.fixture(autouse=True)
def letters(add_file):
    """A data set of texts, of 9 tokens of 20 kinds."""
    add_file("data/sources", "letters", SOURCE)


def overlay(name="distilgpt2", ascent=None, scored=(), **more):
    """A small run of a model of texts; `ascent` are keys of its study, `more` other keys."""
    base = {
        "data": {"name": "letters"},
        "model": {"name": name, **TINY},
        "populations": {
            "models": 10, "block": 5, "stack": 1, "second_oracle": [], "second_oracle_models": 5
        },
        "datamodels": {"estimators": {"last_layer": {"checkpoints": 5}}},
        "forget_sets": {"some": {"kind": "random", "size": 10, "seed": 0}},
        "ascent": {
            "forget_sets": ["some"],
            "methods": ["nothing", "ga"],
            "metrics": ["klom", "accuracy", *scored],
            "numbers_of_models": [5, 10],
            "figures": {
                "figure_1": {"forget_sets": ["some"]}, "figure_2": {"forget_set": "some"},
                "figure_3": {"forget_sets": ["some"]},
            },
        },
    }  # fmt: skip
    return config.merge(base, config.merge({"ascent": ascent or {}}, more))


def test_models_of_texts_can_be_asked_for(project):
    tokens = ["token_loss", "tokens", "entropy"]
    project(overlay("distilbert", scored=["mia_entropy"], ascent={"record": ["entropy"]}))
    project(overlay(scored=["perplexity", "mia_entropy"], ascent={"record": tokens}))


def test_the_settings_of_a_model_belong_to_the_one_that_is_named_last(project, sentence):
    base = config.load([project.root / "config.yaml"])
    assert base["model"] == {"name": "resnet9", "width": 4}
    assert config.merge(base, {"model": {"name": "vit", "patch": 4}})["model"] == {
        "name": "vit", "patch": 4,
    }  # fmt: skip
    assert config.merge(base, {"model": {"width": 8}})["model"] == {"name": "resnet9", "width": 8}
    assert config.merge(base, {"model": {"name": "resnet9"}})["model"]["width"] == 4
    found = sentence(overlay(model={"name": "distilgpt2", "width": 4}))
    assert found.startswith("mine.yaml: model.width is an unknown key where name is distilgpt2")


ONE = {
    "figure_1": {"forget_sets": ["one"]}, "figure_2": {"forget_set": "one"},
    "figure_3": {"forget_sets": ["one"]},
}  # fmt: skip
WRONG = [
    ({"populations": {"stack": 2}},
     "mine.yaml: populations.stack is 2, and a distilgpt2 cannot be stacked; allowed: 1"),
    ({"data": {"name": "digits"}},
     "mine.yaml: model.name is distilgpt2, which reads texts, and the data set holds images; "
     "allowed: resnet18, resnet18_imagenet, resnet9, vit"),
    ({"model": {"name": "resnet18", "width": 4}},
     "mine.yaml: model.name is resnet18, which reads images, and the data set holds texts; "
     "allowed: distilbert, distilgpt2"),
    ({"model": {"heads": 3}}, "mine.yaml: model.heads is 3; allowed: a divisor of dim, which is 8"),
    ({"model": {"pretrained": "data/distilgpt2"}},
     "mine.yaml: model.dim is 8, and pretrained is data/distilgpt2, which decides it; allowed: nu"),
    ({"ascent": {"record": ["logits"]}},
     "mine.yaml: ascent.record names logits, and model.name is distilgpt2, which predicts the next "
     "token; allowed: entropy, entropy_renormalised, token_loss, tokens, activation_to_original, "),
    ({"ascent": {"record": ["tokens"]}, "model": {"name": "distilbert"}},
     "mine.yaml: ascent.record names tokens, and model.name is distilbert, which predicts the class"
     "; allowed: logits, features, entropy"),
    ({"ascent": {"methods": ["nothing", "random_labels"]}},
     "mine.yaml: ascent.methods names random_labels, which teaches wrong classes (random_including)"
     ", and model.name is distilgpt2, which predicts the next token; allowed: methods without wro"),
    ({"ascent": {"methods": ["nothing", "zero_row"], "forget_sets": ["one"], "figures": ONE},
      "forget_sets": {"one": {"kind": "classes", "classes": [1]}}},
     "mine.yaml: ascent.methods names zero_row, whose preparation zero_row needs classes, and mod"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "found"), WRONG)
def test_what_does_not_fit_the_model_is_one_sentence_before_any_job(sentences, changed, found):
    lines = sentences(overlay(**changed))
    assert len(lines) == 1 and lines[0].startswith(found), lines


def test_an_estimator_of_gradients_is_refused_for_next_tokens(project, sentence):
    whole = overlay()
    whole["forget_sets"] = {
        "some": {"kind": "principal_component", "component": 1, "top": 9, "bottom": 0}
    }
    assert sentence(whole).startswith(
        "mine.yaml: datamodels.estimator is last_layer, which takes gradients of the true class, "
        "and model.name is distilgpt2, which predicts the next token (in config.yaml); allowed: ha"
    )
    project(config.merge(whole, {"datamodels": {"estimator": "half_subsets"}}))
    project(config.merge(whole, {"model": {"name": "distilbert"} | TINY}))


def test_a_study_that_is_not_listed_may_ask_for_what_the_model_has_not(project):
    project(overlay())  # classes asks for logits, wrong classes, rows of a last layer
    with pytest.raises(
        Exception, match=r"classes.experiments.table.metrics names mia, which needs logits, and"
    ):
        project(overlay(studies=["ascent", "classes"]))


def test_the_folder_of_a_model_is_looked_for_on_the_machine_that_runs(project, sentence):
    asked = overlay(model={"name": "distilgpt2", "pretrained": "data/gpt"})
    for size in TINY:
        del asked["model"][size]
    project(asked)
    where = project.root / "data" / "gpt"
    assert sentence(asked, machine=True) == (
        f"mine.yaml: model.pretrained is {where}, which is not there; allowed: a folder with "
        "config.json and model.safetensors or pytorch_model.bin"
    )
    where.mkdir(parents=True)
    (where / "model.safetensors").write_bytes(b"")
    settings = {"model_type": "gpt2", "vocab_size": 21}
    (where / "config.json").write_text(json.dumps(settings))
    assert sentence(asked, machine=True) == (
        f"mine.yaml: model.pretrained is {where}, which knows 21 kinds of tokens, and those of the "
        "data set are 20; allowed: a model with the tokenizer of the data set"
    )
    (where / "config.json").write_text(json.dumps(settings | {"vocab_size": 20}))
    project(asked, machine=True)
    read = models.files_to_read(asked["model"] | {"pretrained": str(where)})
    assert read == [str(where / "config.json"), str(where / "model.safetensors")]
    assert models.files_to_read({"name": "resnet9", "width": 4}) == []


def test_the_logits_of_next_tokens_are_reckoned_as_memory(project):
    base = config.load([project.root / "config.yaml"])
    facts = Facts(200, 150, 3, (64,), vocabulary=50_000, padding=0)
    asked = [config.merge(base, overlay(name)) for name in ("distilbert", "distilgpt2")]
    small, large = (needs.memory_mb("train_block", one, facts) for one in asked)
    assert large - small > 4 * 64 * 64 * 50_000 * 4 / 1e6


@pytest.mark.parametrize("name", registry.names("models"))
def test_a_model_says_what_it_reads_and_predicts(name):
    assert models.reads(name) in ("images", "texts")
    assert models.predicts(name) in ("class", "next_token")
    assert isinstance(models.stacks(name), bool)
    fields = registry.settings_of("models", name).model_fields
    assert set(getattr(registry.module("models", name), "FILES", ())) <= set(fields)


# ------------------------------------------------------------------ layers, before any job
LAYERS = [
    ({"rank": [2, 8]},
     "mine.yaml: ascent.grids.rfa[0].rank is 8, and the layer 0.0 maps 9 to 4 numbers; allowed: at "
     "most 4, its smaller side"),
    ({"rank": [2], "layers": ["8", "layer4.*"]},
     "mine.yaml: ascent.grids.rfa[0].layers names '8', and no linear layer or convolution is "
     "called that; allowed: 0.0, 1.0, "),
    ({}, "mine.yaml: ascent.grids.rfa[0].rank is 8, and the layer 0.0 maps 9 to 4 numbers; allow"),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "found"), LAYERS, ids=str)
def test_adapters_that_the_network_cannot_have(project, sentence, grid, found):
    asked = {"ascent": {"methods": ["nothing", "rfa"], "grids": {"rfa": [grid]}}}
    project(asked)  # which only looks
    assert sentence(asked, machine=True).startswith(found)


def test_layers_that_are_compared_and_not_there(project, sentence):
    asked = {"ascent": {"metrics": ["klom", "accuracy", "distances"]}}
    project(asked, machine=True)
    asked["metrics"] = {"distances": {"layers": "layer4.*"}}
    project(asked)
    assert sentence(asked, machine=True).startswith(
        "mine.yaml: metrics.distances.layers names 'layer4.*', and no linear layer or convolution "
        "is called that; allowed: 0.0, 1.0, "
    )
    asked["metrics"] = {"distances": {"layers": "0.0 *.module.*"}}
    project(asked, machine=True)


def test_layers_of_texts_are_held_to_their_network(project, sentence):
    """It is built from sizes without numbers, and from a folder as it is."""
    from transformers import DistilBertConfig, DistilBertModel

    folder = project.root / "data" / "bert"
    sizes = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "vocab_size": 20}
    DistilBertModel(DistilBertConfig(pad_token_id=0, **sizes)).save_pretrained(folder)
    grid = {"rank": [4], "layers": ["q_lin v_lin", "q_lin c_attn"]}
    asked = overlay("distilbert", {"methods": ["nothing", "rfa"], "grids": {"rfa": [grid]}})
    for model in (TINY, {"pretrained": "data/bert"}):
        asked["model"] = {"name": "distilbert", **model}
        assert sentence(asked, machine=True).startswith(
            "mine.yaml: ascent.grids.rfa[0].layers names 'c_attn', and no linear layer or "
            "convolution is called that; allowed: network.distilbert.transformer.layer.0.attention"
        )
