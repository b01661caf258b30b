"""What every program in src/ shares: how it starts, ends, and reports a wrong input."""

import argparse
import errno
import functools
import importlib
import importlib.util
import inspect
import json
import logging
import math
import os
import re
import sys
import time
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from palimpsest import files, gpu_memory, registry, runs, sources
from palimpsest.files import InputError
from palimpsest.values import LARGEST, MOST_MODELS


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of a description, and shows every default that says something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, "", [], {}):
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """The words of a program, which starts once they are read."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, formatter_class=_Help)

    def parse_args(self, *args: Any, **keywords: Any) -> Any:
        """As ever; then a look at where files are to be put, and one line of the log."""
        found = super().parse_args(*args, **keywords)
        _check_places(vars(found))
        logging.info("%s starts", Path(sys.argv[0]).stem)
        return found


def _check_places(words: Mapping[str, Any]) -> None:
    """InputError unless a file can be put at each path of the options --out... and --log..., at no
    two the same, and none where a file is read."""
    written: dict[str, str] = {}
    read: dict[str, str] = {}
    for name, value in words.items():
        option = f"--{name.replace('_', '-')}"
        for path in _paths_in(name, value):
            place = os.path.realpath(path)
            if not name.startswith(("out", "log")):
                read.setdefault(place, option)
                continue
            files.check_place(path)
            if place in written:
                raise InputError(
                    f"{option} is {path}, which {written[place]} is, too; needed: a name for each"
                )
            written[place] = option
    for place, option in written.items():
        if place in read:
            raise InputError(
                f"{option} is {place}, which {read[place]} reads; needed: another place"
            )


def _paths_in(name: str, value: Any) -> list[Path]:
    """The paths among the values of an option."""
    values = value if isinstance(value, list) else [value]
    if name == "inputs":
        return [path for paths in named_paths(values).values() for path in paths]
    return [one for one in values if isinstance(one, Path)]


def whole(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least` and at most `most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[-+]?[0-9]{1,30}", text):
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number")
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small; allowed: {least} or more")
        if value > most:
            raise argparse.ArgumentTypeError(f"{value} is too large; allowed: at most {most}")
        return value

    return parse


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """--first-seed and --models: a block of consecutive seeds."""
    group = parser.add_argument_group("block of seeds")
    group.add_argument("--first-seed", type=whole(0), required=True, help="seed of the first model")
    group.add_argument(
        "--models", type=whole(1, MOST_MODELS), required=True, help="number of models"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """--configfile and --target: the run, or the part of it, that Snakemake is asked for."""
    parser.add_argument(
        "--configfile", nargs="+", type=Path, default=[], metavar="FILE", help="overlays"
    )
    parser.add_argument(
        "--target", nargs="+", default=[], metavar="NAME", help="of Snakemake (default: the run)"
    )


def add_models(parser: argparse.ArgumentParser) -> None:
    """--models: that records are read as those of fewer models."""
    parser.add_argument("--models", type=whole(1), help="only the first so many (default: all)")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, --precision and --stack."""
    group = parser.add_argument_group("device")
    group.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="to compute on")
    group.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32", help="to compute in"
    )
    group.add_argument(
        "--stack", type=whole(1), default=1, help="models run side by side; changes no result"
    )


def add_layers(parser: argparse.ArgumentParser) -> None:
    """--layers: those that distances compare."""
    parser.add_argument(
        "--layers",
        help="whose features are compared: names, apart from each other by a space, or ends of "
        "them, with * and ? (default: all convolutions and linear layers but the head)",
    )


def json_map(text: str) -> dict[str, Any]:
    """An argparse type: a JSON map."""
    value = _json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not a map")
    return value


def json_maps(text: str) -> list[dict[str, Any]]:
    """An argparse type: a JSON list of maps, not empty."""
    value = _json(text)
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not a list of maps")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(
            text, parse_int=_integer, parse_float=_finite, parse_constant=_finite,
            object_pairs_hook=files.map_once,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text[:200]!r} is not JSON ({error})") from None


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise ValueError(f"{text[:30]} does not fit into 64 bits")
    return int(text)


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text[:30]} is no finite number")
    return float(text)


def named_paths(words: list[str]) -> dict[str, list[Path]]:
    """NAME=PATH words as the paths of each name, in their order; ValueError for another form."""
    found: dict[str, list[Path]] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (name.isidentifier() and equals and path):
            raise ValueError(f"{word!r} is not of the form NAME=PATH")
        found.setdefault(name, []).append(Path(path))
    return found


_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def inputs_of(module: ModuleType, words: list[str], told: str) -> dict[str, list[Path]]:
    """`named_paths` of `words`; ValueError, which begins with `told`, unless all INPUTS of a module
    are there."""
    inputs = named_paths(words)
    for name in getattr(module, "INPUTS", ()):
        if name not in inputs:
            raise ValueError(f"{told} {name}; give --inputs {name}=PATH")
    return inputs


def _keywords_of(made: Callable[..., Any]) -> dict[str, bool]:
    """The keywords of a function, and whether they have to be given."""
    return {
        name: parameter.default is parameter.empty
        for name, parameter in inspect.signature(made).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def check_keywords(
    made: Callable[..., Any], given: Mapping[str, Any], where: str, taken: Sequence[str] = ()
) -> None:
    """ValueError unless `given` are keywords of a function, of the types of its annotations, and
    all that have no default; those that are `taken` are the program's to give."""
    known = {name: needed for name, needed in _keywords_of(made).items() if name not in taken}
    for name in given:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{where}: unknown setting {name}; allowed: {allowed}")
    for name, needed in known.items():
        if needed and name not in given:
            raise ValueError(f"{where}: {name} is missing; needed: a value of it in --settings")
    hints = typing.get_type_hints(made.func if isinstance(made, functools.partial) else made)
    for name, value in given.items():
        if name in hints and not _is_a(value, hints[name]):
            kind = _KINDS.get(hints[name], getattr(hints[name], "__name__", "another"))
            raise ValueError(f"{where}: {name} is {json.dumps(value)[:100]}; allowed: {kind}")


def check_made(found: Any, kinds: tuple[type, ...], where: str) -> tuple[Any, ...]:
    """What a function made; InputError, which begins with `where`, unless it is of these kinds."""
    given = found if isinstance(found, tuple) else (found,)
    if len(given) != len(kinds) or not all(map(isinstance, given, kinds)):
        names, needed = (
            ", ".join(one.__name__ for one in part) for part in (map(type, given), kinds)
        )
        raise InputError(f"{where} gives {names}; needed: {needed}")
    return given


def _is_a(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is what an annotation says; True where it says nothing of JSON."""
    try:
        TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except PydanticUserError:
        pass
    except ValidationError:
        return False
    return True


def run_program(main: Callable[[], None]) -> None:
    """Run `main`, logging to stderr, and end the program; `Parser` logs the start.

    A ValueError (InputError included), a full disk or memory, and a file that the system refuses
    become `error: <sentence>` on stderr and exit code 1, without a traceback; any other exception
    is a defect and keeps its traceback. Files are put in place only while the program's sources are
    unchanged and its run has not been followed by another.
    """
    sources.remember(sys.argv[0])
    files.guards[:] = [runs.check_wanted, lambda _: sources.check_unchanged()]
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    started = time.perf_counter()
    try:
        main()
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(1)
    logging.info("%s done in %.1f s", Path(sys.argv[0]).stem, time.perf_counter() - started)


def _told(error: Exception) -> str | None:
    """The sentence on what is wrong outside the program; None for a defect."""
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name not in (None, "palimpsest"):
        return f"the package {error.name} is not installed; needed: that of envs/requirements.lock"
    if full := gpu_memory.full(error):
        told = files.one_line(full)
        return f"the GPU's memory is full ({told}); needed: a smaller --stack, or a GPU with more"
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return f"the memory is full ({files.one_line(error)}); needed: more, or smaller settings"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" for {error.filename}" if error.filename else ""
        return f"the disk is full{place}; needed: more free space"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: cannot be read or written ({error.strerror})"
    return None


def study_module(study: str, name: str) -> ModuleType:
    """A file of the study that --study names, such as "measures"; InputError if it has none."""
    having = [
        one for one in registry.names("studies")
        if importlib.util.find_spec(f"palimpsest.studies.{one}.{name}")
    ]  # fmt: skip
    if study not in having:
        raise InputError(f"--study is {study!r}; allowed: {', '.join(having)}, which have {name}")
    return importlib.import_module(f"palimpsest.studies.{study}.{name}")


def load_file(path: Path, function: str, given: Sequence[str] = ()) -> ModuleType:
    """The module of a file outside the registry; InputError if it cannot be loaded, or is not of
    the form (`check_form`)."""
    spec = importlib.util.spec_from_file_location(path.stem, files.regular_file(path))
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: is no Python file; needed: a .py with {_form(function, given)}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever its author wrote
        told = f"{type(error).__name__}: {files.one_line(error)}"
        raise InputError(
            f"{path}: cannot be loaded ({told}); needed: {_form(function, given)}"
        ) from None
    check_form(module, str(path), function, given)
    return module


def check_form(module: ModuleType, where: str, function: str, given: Sequence[str] = ()) -> None:
    """InputError, which begins with `where`, unless a module has a `function`(inputs, *, ...) with
    the keywords `given`, and its INPUTS, if it has any, are names."""
    made, form = getattr(module, function, None), _form(function, given)
    if not callable(made):
        raise InputError(f"{where}: has no function {function}; needed: {form}")
    try:
        inspect.signature(made).bind({}, **dict.fromkeys([*given, *_keywords_of(made)]))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: {function}() takes other arguments ({error}); needed: {form}"
        ) from None
    names = getattr(module, "INPUTS", ())
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{where}: its INPUTS are {names!r}; needed: a tuple of names")


def _form(function: str, given: Sequence[str]) -> str:
    return f"{function}(inputs, *, {''.join(f'{name}, ' for name in given)}...)"
