"""Put a page under a pull request as one comment, and bring that one up to date the next time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifact.errors import ConfigurationError
from release import command_line, github

# What tells the comment from all others of the same bot; GitHub does not show it.
MARK = "<!-- modelpin: page -->"
_LONGEST = 60_000  # characters; GitHub takes 65,536
_PAGE = 100  # comments in one answer of GitHub's


def comment(repository: str, number: int, text: str) -> str:
    """The URL of the comment with `text`, of a pull request of `repository`; a text that is too long is cut.

    ConfigurationError (10) when GitHub refuses.
    """
    body = f"{MARK}\n{text}"
    if len(body) > _LONGEST:
        body = body[:_LONGEST].rpartition("\n")[0] + "\n\n… the rest is in the summary of the run.\n"
    previous = _find(repository, number)
    if previous is None:
        return str(github.api(f"repos/{repository}/issues/{number}/comments", "POST", {"body": body})["html_url"])
    return str(github.api(f"repos/{repository}/issues/comments/{previous}", "PATCH", {"body": body})["html_url"])


def _find(repository: str, number: int) -> int | None:
    """Number of the comment that was put there before."""
    page = 1
    while True:
        path = f"repos/{repository}/issues/{number}/comments?per_page={_PAGE}&page={page}"
        listed = github.api(path)
        for entry in listed:
            # A person who quotes the page quotes its mark as well.
            if entry["body"].startswith(MARK) and entry["user"]["type"] == "Bot":
                return int(entry["id"])
        if len(listed) < _PAGE:
            return None
        page += 1


def main(argv: Sequence[str] | None = None) -> None:
    """As `comment`."""
    line = command_line.parser("comment", __doc__)
    line.add_argument("--repository", required=True, help="owner/name")
    line.add_argument("--pull-request", required=True, type=int, metavar="NUMBER", help="its number")
    line.add_argument("--file", required=True, type=Path, help="the page, as Markdown")
    arguments = command_line.parse(line, argv)
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{arguments.file} cannot be read ({error}): write the page first") from error
    print(comment(arguments.repository, arguments.pull_request, text))
