"""What mkdocs does beside its own: a link from docs/ to a file of the code leads to that file at GitHub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\(((?:\.\./)+[^)#]+)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Called by mkdocs for each page. A link to no file stays as it is, so that strict mode refuses it."""
    docs = Path(config["docs_dir"])

    def led(link: re.Match[str]) -> str:
        target = (docs / page.file.src_uri).parent.joinpath(link[1]).resolve()
        if target.is_relative_to(docs) or not target.exists():
            return link[0]
        return f"]({config['repo_url']}/blob/main/{target.relative_to(ROOT).as_posix()}"

    return _LINK.sub(led, markdown)
