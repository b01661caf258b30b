"""What the tests of the library share."""

import importlib
import sys

import pytest

from palimpsest import registry


@pytest.fixture
def add_file(monkeypatch, tmp_path):
    """Put a Python file into a folder of the library, for one test."""

    def add(folder, name, text):
        package = importlib.import_module(f"palimpsest.{folder.replace('/', '.')}")
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        monkeypatch.delitem(sys.modules, f"{package.__name__}.{name}", raising=False)
        importlib.invalidate_caches()
        registry._keywords.cache_clear()

    yield add
    registry._keywords.cache_clear()
