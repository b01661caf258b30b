"""Check overlays before Snakemake reads them, and print the name of the run that they make.

PYTHONPATH=src python -m palimpsest.config [--configfile FILE ...]
"""

import argparse
import sys

from palimpsest.config.checking import check
from palimpsest.config.reading import load
from palimpsest.files import InputError

BASE = "config.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(prog="palimpsest.config", description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[], metavar="FILE", help="overlays")
    overlays = parser.parse_args().configfile
    files = [BASE, *(file for file in overlays if file != BASE)]
    try:
        config = load(files)
        check(config, files=files, machine=False)
    except InputError as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))
    print(config["run"])


if __name__ == "__main__":
    main()
