"""What the settings of a method change of what most of them have."""

from collections.abc import Mapping, Sequence
from typing import Any

BASE = "base setting"
"""the name of the setting that the others change"""


def base_of(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each key the value that most of the settings have, of equally many the first."""

    def most_common(values: list[Any]) -> Any:
        return max(values, key=values.count)

    return {key: most_common([one[key] for one in settings]) for key in settings[0]}


def changes(setting: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """What a setting changes of the base in words: `rank 2`, `mu 1`, `forget per batch none`."""
    told = []
    for name, value in setting.items():
        if value != base[name]:
            word = f"{value:g}" if isinstance(value, int | float) else value or "none"
            told.append(f"{name.replace('_', ' ')} {word}")
    return ", ".join(told) or BASE
