"""YAML that is not what it looks like, or takes long to read: one sentence with file and line."""

import pytest

from palimpsest.config.plain_yaml import DEEPEST, LONGEST, MOST, read_yaml
from palimpsest.files import InputError


def aliases(width, times):
    """A list of lists of lists: each holds the one before it so many times."""
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    for number in range(1, times):
        inside = ", ".join([f"*a{number - 1}"] * width)
        lines.append(f"a{number}: &a{number} [{inside}]")
    return "\n".join(lines)


def maps(times):
    """The same of maps, merged into each other and held."""
    lines = ["a0: &a0 {x: 1}"]
    for number in range(1, times):
        before = f"*a{number - 1}"
        lines.append(f"a{number}: &a{number} {{<<: {before}, p{number}: {before}, q: {before}}}")
    return "\n".join(lines)


TWO_MERGES = """a: &a {x: 1}
b: &b {x: 2}
c:
  <<: *a
  <<: *b
"""
ODD = {
    "a: 1\nb: 2\na: 3\n": "line 3: the key 'a' stands twice, again here; allowed: each key once in",
    "m: {a: 1, a: 2}\n": "line 1: the key 'a' stands twice",
    TWO_MERGES: "line 5: the key '<<' stands twice, again here",
    "a: 1\n? [a, b]\n: 3\n": "line 2: a list as a key; allowed: texts as keys",
    "? |\n  a\n  b\n: 3\n": "line 1: a key of several lines; allowed: keys of one line",
    "? {a: 1}\n: 3\n": "line 1: a map as a key; allowed: texts as keys",
    'a:\n  b: !!bool "x"\n': "line 2: the tag !!bool; allowed: values without tags",
    'a: !!timestamp "x"\n': "line 1: the tag !!timestamp; allowed: values without tags",
    "a: !!python/object/apply:os.system [ls]\n": "line 1: the tag !!python/object/apply:os.system",
    "a: !mine {b: 1}\n": "line 1: the tag !mine; allowed: values without tags",
    "a: 0\nb: 030\n": "line 2: 030, which YAML reads as 24; allowed: a decimal number without",
    "a: 1:30\n": "line 1: 1:30, which YAML reads as 90; allowed: a decimal number without",
    "a: 2_4\n": "line 1: 2_4, which YAML reads as 24; allowed: a decimal number without a leading "
    '0, _ or :, or "2_4" for a text',
    "a: 0x1F\n": "line 1: 0x1F, which YAML reads as 31; allowed: a decimal number",
    "a: 0b11\n": "line 1: 0b11, which YAML reads as 3; allowed: a decimal number",
    "a: 1_0.5\n": "line 1: 1_0.5, which YAML reads as 10.5; allowed: a decimal number",
    "a: 1:30.5\n": "line 1: 1:30.5, which YAML reads as 90.5; allowed: a decimal number",
    "a: [no]\n": "line 1: no, which YAML reads as false; allowed: true or false, or",
    "on: 1\n": "line 1: on, which YAML reads as true; allowed: true or false",
    "a: 2026-01-01\n": "line 1: 2026-01-01, which YAML reads as a date; allowed: a number or",
    "a: =\n": "line 1: =, which YAML reads as a sign of its own; allowed: a number or a text",
    "a: &a [*a]\n": "line 1: a list or map within itself",
    "a: &a {b: {c: *a}}\n": "line 1: a list or map within itself",
    aliases(9, 12): f"line 5: aliases that stand for more than {MOST} values and keys",
    maps(40): f"aliases that stand for more than {MOST} values and keys",
    aliases(1, 60): f"aliases that stand for more than {DEEPEST} lists and maps in each other",
    "".join(f"k{n}: 1\n" for n in range(MOST)): f"line {MOST // 2}: more than {MOST} values and",
    f"a: {'[' * 100_000}": f"line 1: more than {DEEPEST} lists and maps in each other",
    f"a: {'[' * 100_000}{']' * 100_000}": f"line 1: more than {DEEPEST} lists and maps",
    "- " * 100_000: f"line 1: more than {DEEPEST} lists and maps in each other",
    "a: [1": "not valid YAML",
    "a:\n\tb: 1\n": "not valid YAML",
    "a: 1\n---\nb: 1\n": "not valid YAML",
    f"a: 1{'0' * 5000}\n": "not valid YAML",
    "a: *b\n": "not valid YAML",
    "a: {<<: 3}\n": "not valid YAML",
    "a: \x01\n": "not valid YAML",
    "a: \udcff\n": "not valid YAML (no UTF-8 text); needed: UTF-8",
    "#" * (LONGEST + 1): f"has {LONGEST + 1} bytes; allowed: at most {LONGEST}",
}


@pytest.mark.parametrize(("text", "found"), ODD.items(), ids=range(len(ODD)))
def test_what_is_not_plain_is_told_in_a_sentence(tmp_path, text, found):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError) as error:
        read_yaml(path)
    assert str(error.value).startswith(f"{path}: ")
    assert found in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_what_is_plain_is_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "\ufeffnumbers: [0, -3, +5, 10, 1.5, .5, 3., 1.0e+5, -0.0, .inf]\n"
        "texts: ['030', \"1:30\", 2_4x, 1e-5, 'no', Norway, '2026-01-01', '']\n"
        "rest: &rest {a: true, b: False, c: null, d: ~, e: }\n"
        "again: {<<: *rest, a: 1}\n"
        "3: [*rest, *rest]\n"
    )
    found = read_yaml(path)
    assert found["numbers"][:9] == [0, -3, 5, 10, 1.5, 0.5, 3.0, 100000.0, 0.0]
    assert found["texts"] == ["030", "1:30", "2_4x", "1e-5", "no", "Norway", "2026-01-01", ""]
    rest = {"a": True, "b": False, "c": None, "d": None, "e": None}
    assert found["rest"] == rest
    assert found["again"] == rest | {"a": 1}
    assert found[3] == [rest, rest]
    path.write_text("")
    assert read_yaml(path) is None


def test_what_is_no_file_is_not_waited_for(tmp_path):
    with pytest.raises(InputError, match=r"a\.yaml: there is no such file$"):
        read_yaml(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="is a folder; needed: a file"):
        read_yaml(tmp_path)
