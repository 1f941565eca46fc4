"""`python -m openapi` writes docs/openapi.json from the code; `--check` says whether it is what the code says."""

from __future__ import annotations

import argparse
import json
import sys
from functools import cache
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from openapi.document import NotDescribed, document

WRITTEN = Path(__file__).parent.parent / "docs" / "openapi.json"


@cache
def text() -> str:
    """Return the description as it is written. Raises NotDescribed, and what the validator raises."""
    described = document()
    OpenAPIV31SpecValidator(described).validate()
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str], written: Path = WRITTEN) -> int:
    parser = argparse.ArgumentParser(prog="python -m openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    chosen = parser.parse_args(arguments)
    try:
        wanted = text()
    except NotDescribed as error:
        print(error, file=sys.stderr)
        return 1
    if not chosen.check:
        written.write_text(wanted)
    elif not written.exists() or written.read_text() != wanted:
        print("docs/openapi.json is not what the code says: `make openapi` writes it anew.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
