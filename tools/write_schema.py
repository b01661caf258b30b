"""Write workflow/schemas/config.schema.json, for editors: run again after a setting has changed.

python tools/write_schema.py
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from palimpsest.config.settings import configuration
from palimpsest.files import atomic_path

FILE = ROOT / "workflow" / "schemas" / "config.schema.json"


def text() -> str:
    """The JSON schema of the configuration."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | configuration().model_json_schema(), indent=1) + "\n"


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with atomic_path(FILE) as temporary:
        temporary.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
