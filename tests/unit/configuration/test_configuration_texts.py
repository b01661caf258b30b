"""Sources of texts in a configuration: their own settings, and what is known before loading."""

import inspect

import pytest

from palimpsest import registry
from palimpsest.config import machine, needs
from palimpsest.data.facts import Facts
from palimpsest.data.sources import docstrings, imdb

SOURCES = registry.names("data/sources")
READER = {"model": {"name": "distilbert"}, "populations": {"stack": 1}}
"""what a run of texts has beside its data"""


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("function", ["facts", "check"])
def test_facts_and_check_take_settings_as_load_does(name, function):
    source = registry.module("data/sources", name)
    load = inspect.signature(source.load).parameters
    own = inspect.signature(getattr(source, function)).parameters.values()
    own = [one for one in own if one.kind is one.KEYWORD_ONLY]
    assert [(one.default, one.annotation) for one in own] == [
        (load[one.name].default, load[one.name].annotation) for one in own
    ]


def test_sources_of_texts_have_settings_of_their_own(project):
    for data in (
        {"name": "docstrings", "length": 32, "mask_names": False, "per_package": 100},
        {"name": "imdb", "keyword": "horror", "tokenizer": "distilbert", "padding": "[PAD]"},
        {"name": "eli5", "categories": ["Engineering", "Repost"], "samples": 2000},
    ):
        project({"data": data} | READER)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"name": "docstrings", "length": 1}, "data.length is 1; allowed: an integer of at least"),
        ({"name": "docstrings", "pieces": 257}, "data.pieces is 257; allowed: an integer of at"),
        ({"name": "docstrings", "mask_names": "no"}, "data.mask_names is the text 'no'; allowed"),
        ({"name": "docstrings", "keyword": "a"}, "data.keyword is an unknown key where name is"),
        ({"name": "imdb", "keyword": ""}, "data.keyword is an empty text"),
        ({"name": "imdb", "tokenizer": 3}, "data.tokenizer is 3; allowed: a path of at most 250"),
        ({"name": "eli5", "categories": ["Physics"]}, "data.categories is a list; allowed"),
        ({"name": "eli5", "categories": ["Physics", "Physics"]}, "data.categories holds the text"),
        ({"name": "eli5", "categories": ["Physics", "Magic"]}, "data.categories[1] is the text 'M"),
        ({"name": "digits", "length": 64}, "data.length is an unknown key where name is digits"),
    ],
)  # fmt: skip
def test_wrong_settings_of_texts(sentence, data, found):
    assert sentence({"data": data}).startswith(f"mine.yaml: {found}")


def test_what_is_known_of_texts_follows_the_settings(tmp_path):
    data = {"name": "docstrings", "data_dir": "data", "checksums": "official", "length": 32,
            "per_package": 100, "mask_names": False}  # fmt: skip
    assert needs.facts_of({"data": data}, tmp_path) == Facts(1000, None, 10, (32,), 8000, 0)
    data = {"name": "imdb", "data_dir": "data", "checksums": "official", "pieces": 2000}
    facts = needs.facts_of({"data": data}, tmp_path)
    assert facts == Facts(50_000, 25_000, 2, (256,), 2000, 0, groups=2)


def forgetting(number, **data):
    """A run that forgets a class of a data set."""
    sets = {"forget_sets": ["mine"]}
    return {
        "data": data,
        "forget_sets": {"mine": {"kind": "classes", "classes": [number]}},
        "model": READER["model"],
        "populations": {"second_oracle": [], "stack": 1},
        "ascent": sets | {"figures": {
            "figure_1": sets, "figure_2": {"forget_set": "mine"}, "figure_3": sets,
        }},
    }  # fmt: skip


def test_texts_are_not_loaded_to_check_a_configuration(project, sentence, monkeypatch):
    def load(*args, **settings):
        raise AssertionError("loaded")

    monkeypatch.setattr(docstrings, "load", load)
    project(forgetting(9, name="docstrings"))
    assert "mine.classes names 10; allowed: classes 0 to 9" in sentence(
        forgetting(10, name="docstrings")
    )


def test_classes_to_forget_are_groups_where_there_are_any(project, sentence, monkeypatch):
    facts = Facts(50_000, 25_000, 2, (256,), 8000, 0, groups=5)
    monkeypatch.setattr(imdb, "facts", lambda data_dir, checksums: facts)
    project(forgetting(4, name="imdb"))
    assert "mine.classes names 5; allowed: classes 0 to 4" in sentence(forgetting(5, name="imdb"))


def test_a_library_that_is_not_installed_is_told_before_the_run(sentence, monkeypatch):
    monkeypatch.setattr(docstrings, "PACKAGES", {**docstrings.PACKAGES, "none_such": "none-such"})
    for check in ("check_disk", "check_memory"):
        monkeypatch.setattr(machine, check, lambda origins, root: None)
    assert sentence({"data": {"name": "docstrings"}} | READER, machine=True).startswith(
        "mine.yaml: data.name is docstrings: docstrings: the package none_such is not installed"
    )
    assert sentence({"data": {"name": "imdb"}} | READER, machine=True).startswith(
        "mine.yaml: data.name is imdb: "
    )
