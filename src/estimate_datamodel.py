"""Estimate a datamodel, choose the sets of important points, and say whether to believe them.

The sets are those of --definitions. Beside them stand: how well the estimate predicts the margins
of models of held-out random subsets, and its ceiling; the variance shares of the components; and
how many points of each set two estimates share that were made from two halves of the models.
"""

import argparse
import dataclasses
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from palimpsest import config, registry
from palimpsest.arrays import read_arrays
from palimpsest.data.datasets import Dataset
from palimpsest.data.forget_sets import principal_component
from palimpsest.data.splits import Split
from palimpsest.datamodels.agreement import Agreement, agreement
from palimpsest.datamodels.components import extreme_points, matched, principal_components
from palimpsest.datamodels.estimate import DATA_KEYS, SET_KEYS
from palimpsest.datamodels.material import Material, Originals, Subsets
from palimpsest.files import InputError, write_json
from palimpsest.models import predicts
from palimpsest.population import OF, Population, check_population
from palimpsest.programs import Parser, add_device, json_map, json_maps, run_program
from palimpsest.sections import add_section, section
from palimpsest.training.device import open_device
from palimpsest.training.populations import builder, tensors
from palimpsest.weights import check_network, check_originals, load_states

MORE = 3
"""components beyond the last one asked for that may have swapped places with it"""
KIND = "principal_component"
FEWEST = 2
"""models, for an estimate from each half of them"""


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.npz")
    parser.add_argument("--split", type=Path, required=True, help="base split")
    parser.add_argument(
        "--definitions", type=json_maps, required=True,
        help='the sets, JSON: \'[{"component": 1, "top": 30, "bottom": 0}]\'',
    )  # fmt: skip
    parser.add_argument(
        "--held-out", type=Path, nargs="+", required=True, help="models of held-out subsets (.npz)"
    )
    parser.add_argument(
        "--weights", type=Path, nargs="*", default=[],
        help="originals (.safetensors), for an estimator of gradients",
    )  # fmt: skip
    parser.add_argument(
        "--subsets", type=Path, nargs="*", default=[],
        help="models of random subsets (.npz), for an estimator of subsets",
    )  # fmt: skip
    add_section(parser, "datamodels", "estimator and its settings")
    parser.add_argument("--data", type=json_map, default={}, help="section data, to be recorded")
    add_section(parser, "model", "architecture of the originals")
    add_device(parser)
    parser.add_argument("--out", type=Path, required=True, help="the estimate (.json)")
    args = parser.parse_args()

    datamodels = section(args, "datamodels")
    name, held_out = datamodels["estimator"], datamodels["held_out"]
    settings = datamodels["estimators"][name]
    estimator = registry.module("datamodels/estimators", name)
    dataset, base = Dataset.load(args.dataset), Split.load(args.split)
    base.check_belongs(dataset, args.split)
    definitions = [_definition(one, len(base.train), dataset.classes) for one in args.definitions]
    material, diverged = _material(estimator.NEEDS, args, dataset, base)
    models = estimator.models(settings)
    if len(material) < models - diverged:
        raise InputError(f"{name} needs {models} models, and {len(material)} were given")
    material = material.part(slice(models))
    if len(material) < FEWEST:
        raise InputError(
            f"{len(material)} models did not diverge; needed: at least {FEWEST}, for halves"
        )

    def estimate(part: slice) -> np.ndarray:
        """The matrix from some of the models."""
        found: np.ndarray = estimator.estimate(material.part(part), **settings)
        return found

    count = min(len(base.train) - 1, MORE + max(d["component"] for d in definitions))
    matrix = estimate(slice(None))
    whole = principal_components(matrix, count)
    agreed, left_out = _agreement(
        matrix,
        _subset_models(args.held_out, base),
        args.held_out[0],
        (held_out, datamodels["seeds"]),
    )
    middle = len(material) // 2
    halves = [
        matched(whole.projections, principal_components(estimate(part), count).projections)
        for part in (slice(0, middle), slice(middle, 2 * middle))
    ]
    sets = []
    for wanted in definitions:
        place, ends = wanted["component"] - 1, (wanted["top"], wanted["bottom"])
        in_halves = [set(extreme_points(own[:, place], *ends).tolist()) for own, _ in halves]
        found = extreme_points(whole.projections[:, place], *ends)
        entry = {
            **wanted,
            "overlap": len(in_halves[0] & in_halves[1]),
            "matched": [found_in[place]._asdict() for _, found_in in halves],
            "indices": base.train[found].tolist(),
        }
        logging.info("component %(component)d, top %(top)d: halves share %(overlap)d", entry)
        sets.append(entry)
    logging.info("rank correlation %.3f, ceiling %.3f", agreed.correlation, agreed.ceiling)
    machine = torch.cuda.get_device_name() if args.device == "cuda" else platform.machine()
    write_json(
        args.out,
        {
            "base_split": base.checksum,
            "data": {key: args.data[key] for key in DATA_KEYS if key in args.data},
            "model": section(args, "model"),
            "estimator": {"name": name, **settings},
            "models": len(material),
            "diverged_models": diverged + left_out,
            "torch": torch.__version__,
            "machine": machine,
            "agreement": dataclasses.asdict(agreed),
            "variance_shares": whole.shares.tolist(),
            "sets": sets,
        },
    )


def _material(
    needs: str, args: argparse.Namespace, dataset: Dataset, base: Split
) -> tuple[Material, int]:
    """What the estimator takes, and how many models of it diverged and are left out."""
    given = args.weights if needs == "originals" else args.subsets
    if not given:
        option = "--weights" if needs == "originals" else "--subsets"
        raise InputError(f"this estimator is made from {needs}; give {option}")
    if needs == "originals":
        device, model = open_device(args.device, args.precision), section(args, "model")
        if predicts(model["name"]) != "class":
            raise InputError(
                f"this estimator takes gradients of the true class, and a {model['name']} predicts "
                "the next token; needed: an estimator made from subsets"
            )
        inputs, labels = tensors(dataset, device)
        inputs = inputs.float()  # gradients of the margin are taken in whole precision
        template = builder(model, dataset)().to(device.name)
        states = []
        for path in given:
            loaded, metadata = load_states(path)
            check_originals(metadata, base, path)
            check_network(loaded, template, path)
            states += loaded.values()
        sound = [s for s in states if all(bool(value.isfinite().all()) for value in s.values())]
        originals = Originals(template, sound, inputs[base.train], labels[base.train])
        return originals, len(states) - len(sound)
    chosen, margins = _subset_models(given, base)
    finite = np.isfinite(margins).all(axis=1)
    return Subsets(chosen[finite], margins[finite]), int((~finite).sum())


def _definition(given: dict[str, Any], train: int, classes: int) -> dict[str, int]:
    """A set that was asked for, checked."""
    settings = config.section("forget_set", {**given, "kind": KIND}, "--definitions")
    principal_component.check(settings, train, classes)
    return {key: settings[key] for key in SET_KEYS}


def _agreement(
    matrix: np.ndarray,
    models: tuple[np.ndarray, np.ndarray],
    path: Path,
    wanted: tuple[int, int],
) -> tuple[Agreement, int]:
    """The agreement on held-out subsets, of which so many are `wanted`, with so many models each;
    and how many models were left out, of subsets of which one diverged."""
    subsets, seeds = wanted
    if len(models[0]) != subsets * seeds:
        raise InputError(
            f"{path} and the files after it hold {len(models[0])} models; needed: "
            f"{subsets} held-out subsets with {seeds} each"
        )
    of_subset, grouped = (part.reshape(subsets, seeds, -1) for part in models)
    if (of_subset != of_subset[:, :1]).any():
        raise InputError(
            f"{path} and the files after it: neighbours were trained on different subsets; "
            f"needed: {seeds} of each subset, made with --models-a-subset {seeds}"
        )
    finite = np.isfinite(grouped).all(axis=(1, 2))
    result = agreement(matrix, of_subset[finite, 0], grouped[finite])
    return result, int((~finite).sum()) * seeds


def _subset_models(paths: Sequence[Path], base: Split) -> tuple[np.ndarray, np.ndarray]:
    """Membership and margins of models of random subsets of the training set."""
    found: dict[str, list[np.ndarray]] = {"chosen": [], "margins": []}
    for path in paths:
        arrays = read_arrays(path, [*found, OF], seal=True)
        check_population(Population.read(arrays[OF]), path, Population.of("subset", base))
        for key, blocks in found.items():
            if arrays[key].ndim != 2 or arrays[key].shape[1] != len(base.train):
                raise InputError(
                    f"{path}: {key} has shape {arrays[key].shape}; "
                    f"needed: a column for each of the {len(base.train)} training points"
                )
            blocks.append(arrays[key])
    return np.concatenate(found["chosen"]), np.concatenate(found["margins"])


if __name__ == "__main__":
    run_program(main)
