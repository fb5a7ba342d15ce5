"""Write the JSON schema of params.yaml, with which editors complete and check it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from artifact.text_file import readable_json
from pipeline.params.params import Params

PATH = Path("docs/params.schema.json")
# The first line of params.yaml, by which an editor's YAML language server finds the schema.
COMMENT = f"# yaml-language-server: $schema={PATH}"


def main(argv: Sequence[str] | None = None) -> None:
    """Write docs/params.schema.json."""
    argparse.ArgumentParser(prog="python -m pipeline schema", description=__doc__).parse_args(argv)
    PATH.write_text(text(), encoding="utf-8")
    print(PATH)


def text() -> str:
    """The schema as JSON Schema 2020-12."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Params.model_json_schema()}
    return readable_json(schema)
