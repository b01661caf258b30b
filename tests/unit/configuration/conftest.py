"""What the tests of the configuration share."""

import re
from pathlib import Path

import pytest
import yaml

from palimpsest import config
from palimpsest.config import checking
from palimpsest.files import InputError

ROOT = Path(__file__).parents[3]
BASE = ROOT / "config.yaml"


@pytest.fixture
def project(tmp_path):
    """A folder with config.yaml; call it with an overlay, of the run `mine`, to check the two.

    It takes no shipped estimate, which would refuse every overlay of other data or sets.
    """
    text, found = re.subn(r"(?m)^  shipped: [\w-]+", "  shipped: null", BASE.read_text())
    assert found == 1
    (tmp_path / BASE.name).write_text(text)

    def run(overlay=None, command_line=None, machine=False):
        files = ["config.yaml"]
        if overlay is not None:
            text = f"run: mine\n{overlay}"
            if not isinstance(overlay, str):
                text = yaml.safe_dump({"run": "mine"} | overlay)
            (tmp_path / "mine.yaml").write_text(text)
            files.append("mine.yaml")
        merged = config.load([tmp_path / file for file in files])
        merged = config.merge(merged, command_line or {})
        checking.check(merged, files=files, root=tmp_path, machine=machine)

    run.root = tmp_path
    return run


@pytest.fixture
def sentences(project):
    """The lines of the error that a check gives, after a look at their form."""

    def run(*args, **settings):
        with pytest.raises(InputError) as error:
            project(*args, **settings)
        lines = str(error.value).splitlines()
        assert all("allowed: " in line or "needed" in line or "write " in line for line in lines)
        return lines

    return run


@pytest.fixture
def sentence(sentences):
    """The first of them."""

    def run(*args, **settings):
        return sentences(*args, **settings)[0]

    return run
