"""GitHub's filters: the patterns of its cheat sheet, and how a list of them decides about a push."""

import pytest

from artifact.errors import ConfigurationError
from local.filters import Filters, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["README.md", "server.rb"], ["docs/x"]),
        ("*.jsx?", ["page.js", "page.jsx"], ["page.jsxx", "a/page.js"]),
        ("**", ["all/the/files.md", "x"], []),
        ("*.js", ["app.js"], ["js/index.js"]),
        ("**.js", ["index.js", "js/index.js", "src/js/app.js"], ["index.jsx"]),
        ("docs/*", ["docs/README.md"], ["docs/a/b.md", "docs"]),
        ("docs/**", ["docs/README.md", "docs/mona/octocat.txt"], ["docs", "mydocs/x"]),
        ("docs/**/*.md", ["docs/README.md", "docs/mona/hello.md", "docs/a/b/c.md"], ["docs/a.txt"]),
        ("**/docs/**", ["docs/hello.md", "dir/docs/my-file.txt"], ["dir/mydocs/x"]),
        ("**/README.md", ["README.md", "js/README.md"], ["js/XREADME.md"]),
        ("**/*src/**", ["a/src/app.js", "my-src/code/js/app.js"], ["a/srcs/x"]),
        ("**/migrate-*.sql", ["migrate-10909.sql", "db/migrate-v1.0.sql"], ["migrate.sql"]),
        ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.x.0"]),
        ("feature/*", ["feature/my-branch"], ["feature/beta/a", "feature"]),
        ("feature/**", ["feature/beta-a/my-branch"], ["feature"]),
        ("requirements/*.txt", ["requirements/pipeline.txt"], ["requirements/xtxt"]),
        (r"\*", ["*"], ["x"]),
    ],
)
def test_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    """A pattern selects what GitHub's documentation says it does, and nothing else."""
    assert [text for text in yes if not matches((pattern,), text)] == []
    assert [text for text in no if matches((pattern,), text)] == []


def test_order_decides() -> None:
    """The last pattern that matches decides: `!` takes a file back, and a later pattern returns it."""
    back = ("gitops/**", "!gitops/models/**", "gitops/models/*/quarantine.yaml")
    assert matches(back, "gitops/base/a.yaml")
    assert not matches(back, "gitops/models/iris/staging/record.yaml")
    assert matches(back, "gitops/models/iris/quarantine.yaml")
    assert matches(("!docs/**", "**"), "docs/a.md"), "a negation before everything has no effect"


@pytest.mark.parametrize(
    ("push", "ref", "changed", "starts"),
    [
        (None, "refs/heads/any", [], True),
        ({"branches": ["main"]}, "refs/heads/main", [], True),
        ({"branches": ["main"]}, "refs/heads/main-2", [], False),
        ({"branches": ["main"]}, "refs/tags/main", [], False),
        ({"tags": ["v*"]}, "refs/heads/v1", [], False),
        ({"tags": ["v*"]}, "refs/tags/v1", [], True),
        ({"tags": ["v*"], "paths": ["src/**"]}, "refs/tags/v1", ["README.md"], True),
        ({"branches-ignore": ["wip/**"]}, "refs/heads/wip/a/b", [], False),
        ({"branches-ignore": ["wip/**"]}, "refs/heads/main", [], True),
        ({"paths": ["src/**"]}, "refs/heads/main", ["README.md", "src/a.py"], True),
        ({"paths": ["src/**", "!src/*.md"]}, "refs/heads/main", ["src/a.md"], False),
        ({"paths": ["src/**"]}, "refs/heads/main", [], False),
        ({"paths-ignore": ["docs/**"]}, "refs/heads/main", ["docs/a.md"], False),
        ({"paths-ignore": ["docs/**"]}, "refs/heads/main", ["docs/a.md", "src/a.py"], True),
        ({"branches": ["main"], "paths": ["src/**"]}, "refs/heads/dev", ["src/a.py"], False),
        ({"branches": "main"}, "refs/heads/main", [], True),
    ],
)
def test_decision(push: object, ref: str, changed: list[str], starts: bool) -> None:
    """Branch and path must both agree, one file outside paths-ignore is enough, and paths do not count for tags."""
    assert Filters.parse(push).decide(ref, changed)[0] is starts


@pytest.mark.parametrize(
    ("push", "named"),
    [
        ({"path": ["x"]}, "path"),
        ({"paths": ["a"], "paths-ignore": ["b"]}, "paths-ignore"),
        ({"paths": []}, "list"),
        ("x", "mapping"),
    ],
)
def test_refused(push: object, named: str) -> None:
    """What GitHub refuses is refused here too, by name: it would otherwise start everything or nothing."""
    with pytest.raises(ConfigurationError, match=named):
        Filters.parse(push)
