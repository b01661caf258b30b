"""What the study of alignment asks of a configuration: a sentence each, before any job."""

import pytest

from palimpsest.config import load
from palimpsest.config.settings import chosen_studies
from palimpsest.studies.alignment.settings import IMAGES, beside, task_of

TABLE = "alignment.experiments.table"
RFA = {"lr": [0.001], "rank": [4]}


def listed(**sections):
    """The study, listed, without the second oracles of config.yaml."""
    return {"studies": ["alignment"], "populations": {"second_oracle": []}, **sections}


def experiment(name, **settings):
    return listed(alignment={"experiments": {name: settings}})


def texts(model="distilgpt2", **alignment):
    """A run of texts."""
    table = {"metrics": ["perplexity" if model == "distilgpt2" else "accuracy",
                         "distances", "mia_entropy"]}  # fmt: skip
    metrics = {"metrics": table["metrics"][:2]}
    names = {"table": table, "gamma": metrics, "sensitivity": metrics}
    experiments = {name: names.get(name, {}) | alignment.get(name, {}) for name in
                   [*names, *(n for n in alignment if n not in names)]}  # fmt: skip
    grids = {"rfa": [{"lr": [0.001]}]}
    experiments["sensitivity"] = {"grids": grids} | experiments["sensitivity"]
    return {
        "studies": ["alignment"],
        "data": {"name": "docstrings"},
        "model": {"name": model},
        "populations": {"second_oracle": [], "stack": 1},
        "alignment": {"experiments": experiments},
    }


TWICE = {"forget_sets": ["random_100"], "methods": ["nothing", "badt", "scrub", "rfa"],
         "grids": {"scrub": [{"lr": [0.001], "epochs": [2], "ascent_epochs": [2]}],
                   "rfa": [RFA | {"epochs": [2]}]},
         "metrics": ["accuracy", "distances"]}  # fmt: skip
WRONG = [
    (experiment("tabel", **TWICE), "alignment.experiments names 'tabel' (did you mean table?)"),
    (experiment("table", methods=["nothing", "ga", "ft", "badt", "scrub"]),
     f"{TABLE}.methods names nothing, ga, ft, badt, scrub, and not rfa; allowed: rfa and others"),
    (experiment("gamma", methods=["rfa"]),
     "alignment.experiments.gamma.methods names rfa, and not nothing; allowed: nothing and others"),
    (experiment("table", forget_sets=["class_3", "class_6"]),
     f"{TABLE}.forget_sets names class_3, class_6, of kind classes, classes; allowed: one of kind "
     "classes and one of kind random"),
    (experiment("table", forget_sets=["random_100"]),
     f"{TABLE}.forget_sets names random_100, of kind random; allowed: one of kind classes and one"),
    (experiment("table", forget_sets=["class_3", "pc1_top_30"]),
     f"{TABLE}.forget_sets names class_3, pc1_top_30, of kind classes, principal_component; allo"),
    (experiment("gamma", forget_sets=["class_3"]),
     "alignment.experiments.gamma.forget_sets names class_3; allowed: class_3 and random_100, of "
     "the experiment table"),
    (experiment("sensitivity", forget_sets=["class_6"]),
     "alignment.experiments.sensitivity.forget_sets names class_6"),
    (experiment("two_epochs", **TWICE | {"forget_sets": ["class_3"]}),
     "alignment.experiments.two_epochs.forget_sets names class_3"),
    (experiment("table", grids={"ft": [{"lr": [0.01], "epochs": [1, 2]}]}),
     f"{TABLE}.grids.ft gives several settings of lr 0.01; allowed: one for each lr"),
    (experiment("table", grids={"rfa": [RFA, RFA | {"gamma": [0.1]}]}),
     f"{TABLE}.grids.rfa gives several settings of lr 0.001; allowed: one for each lr"),
    (experiment("table", grids={"rfa": [{"lr": [0.001, 0.001]}]}),
     f"{TABLE}.grids.rfa[0].lr holds 0.001 twice; allowed: each value once"),
    (experiment("gamma", grids={"rfa": [RFA | {"lr": [0.1, 0.2], "gamma": [0.5]}]}),
     "alignment.experiments.gamma.grids.rfa gives several settings of gamma 0.5; allowed: one for"),
    (experiment("sensitivity", grids={"rfa": [RFA | {"alpha": [0.1, 2.0]},
                                              RFA | {"rank": [2], "alpha": [1.0]},
                                              RFA | {"mu": [1.0], "alpha": [1.0]}]}),
     "alignment.experiments.sensitivity.grids.rfa has no setting in which all is as in most of "),
    (experiment("table", metrics=["accuracy", "mia_entropy"]),
     f"{TABLE}.metrics names accuracy, mia_entropy, and not distances; allowed: distances and oth"),
    (experiment("table", metrics=["accuracy", "distances"]),
     f"{TABLE}.metrics names accuracy, distances, and not mia_entropy; allowed: mia_entropy and o"),
    (experiment("table", metrics=["accuracy", "distances", "mia_entropy", "klom"]),
     f"{TABLE}.metrics names klom, of 8 models; allowed: klom of 20 models or more"),
    (experiment("table", models=7),
     "alignment.tuning_models is 3, and of the 7 models of experiments.table 4 are left to be "
     "reported (in config.yaml); allowed: so many fewer than its models that 5 are left"),
    (listed(metrics={"mia_entropy": {"attacked": 3}}),
     "alignment.experiments.table.metrics names mia_entropy, which attacks the first 3 models, "
     "and 3 choose the rates (in config.yaml); allowed: metrics.mia_entropy.attacked of 8 "
     "or more, or null"),
    (listed(alignment={"tuning_models": 8}),
     "alignment.tuning_models is 8, and of the 8 models of experiments.table 0 are left to be "),
    (listed(alignment={"tuning_models": 0}), "alignment.tuning_models is 0; allowed: an integer "),
    (experiment("gamma", models=4), "alignment.experiments.gamma.models is 4; allowed: 5 or more"),
    (listed(alignment={"equivalence_margin": 0}), "alignment.equivalence_margin is 0; allowed: a "),
    (texts(two_epochs=TWICE | {"metrics": ["perplexity", "distances"]}),
     "alignment.experiments holds two_epochs, the paper's Table II of images, and model.name is "
     "distilgpt2; allowed: no two_epochs here"),
    (texts(table={"metrics": ["accuracy", "distances", "mia_entropy"]}),
     f"{TABLE}.metrics names accuracy, distances, mia_entropy, and not perplexity; allowed: "),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), WRONG)
def test_what_does_not_fit_is_one_sentence(sentences, overlay, found):
    lines = sentences(overlay)
    assert any(line.split(": ", 1)[1].startswith(found) for line in lines), lines


def test_each_experiment_but_two_epochs_is_needed(project, sentence):
    text = (project.root / "config.yaml").read_text()
    start, end = text.index("    gamma:   "), text.index("    sensitivity:   ")
    (project.root / "config.yaml").write_text(text[:start] + text[end:])
    assert sentence(listed()) == (
        "config.yaml: alignment.experiments holds table, sensitivity, and not gamma; allowed: "
        "table, gamma, sensitivity, two_epochs"
    )


def test_runs_that_fit(project):
    project(listed())
    project(experiment("two_epochs", **TWICE | {"models": 8}))
    project(experiment("table", models=25,
                       metrics=["accuracy", "distances", "mia_entropy", "klom"]))  # fmt: skip
    project(texts())
    project(texts("distilbert"))


def test_a_study_that_is_not_listed_is_not_held_to_the_runs_model_and_numbers(project):
    overlay = {"populations": {"models": 4, "second_oracle": [], "block": 4, "stack": 4,
                               "second_oracle_models": 4},
               "datamodels": {"estimators": {"last_layer": {"checkpoints": 4}}}}  # fmt: skip
    tables = {"alignment": {"experiments": {"table": {"models": 5}}}}
    project(tables | overlay | {"studies": ["theory"]})


def test_the_task_and_the_papers_numbers_beside_it(project):
    base = load([project.root / "config.yaml"])
    assert task_of(base) == IMAGES
    assert beside(base) == {"dataset": "CIFAR-10", "model": "ResNet18"}
    known = {
        ("fashion", "vit"): ("image classification", "Fashion-MNIST", "ViT"),
        ("cifar10", "resnet18_imagenet"): ("image classification", "CIFAR-10", "ResNet18"),
        ("imdb", "distilbert"): ("text classification", "IMDB", "DistilBERT"),
        ("docstrings", "distilgpt2"): ("text generation", "ELI5-Category", "DistilGPT2"),
    }
    for (data, model), (task, *numbers) in known.items():
        config = base | {"data": {"name": data}, "model": {"name": model}}
        assert (task_of(config), *beside(config).values()) == (task, *numbers)
    study = chosen_studies(base | {"studies": ["alignment"]})["alignment"]
    assert study.scenarios(base["forget_sets"]) == {"class_3": "class", "random_100": "sample"}
