"""Things found by name: each file of a folder of the library is one method, metric, model, ..."""

import pkgutil
from pathlib import Path

LIBRARY = Path(__file__).parent


def names(folder: str) -> list[str]:
    """The things of a folder such as "methods" or "data/sources", sorted."""
    found = (module.name for module in pkgutil.iter_modules([str(LIBRARY / folder)]))
    return sorted(name for name in found if not name.startswith("_"))
