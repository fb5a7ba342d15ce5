"""What `init` makes of a table: the schema, the first model, and the files that hold them."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from artifact import digest, git
from artifact.errors import ConfigurationError, UsageError
from artifact.git import GitFailed
from artifact.quantity import quantity
from pipeline.data import contract, leakage, prepare
from pipeline.data.survey import Survey
from pipeline.params.params import PARAMS, Params, load
from pipeline.shared import split, tables
from starter import comparison, params_yaml, recipe
from starter.comparison import METRIC, Comparison, Rows
from starter.draft import Drafted, Guess, draft
from starter.params_yaml import Threshold
from starter.placement import Placement
from starter.recipe import Recipe
from starter.source import Source

_UNEVEN = 3  # times as many rows of the most frequent class as of the rarest: class weights are tried


def start(options: argparse.Namespace) -> None:
    """Decide everything first, then write; nothing is left half written. `options` as `init` reads them."""
    name = digest.model_name(options.name)
    _check_repository(options.force)
    with tempfile.TemporaryDirectory(prefix="modelpin-init-") as scratch:
        source, drafted, survey = describe(options, Path(scratch))
        chosen, compared, text = first_model(drafted, survey, source)
    with Placement() as placement:
        placement.data(source.files, source.path)
        placement.folder(Path("gitops/models") / name, ["release", "adopt", "--model", name])
        placement.text(PARAMS, text)  # at the end: the same command goes on after a kill while this is not changed
    _tell(drafted, chosen, compared, survey.rows)


def describe(options: argparse.Namespace, scratch: Path) -> tuple[Source, Drafted, Survey]:
    """The rows that can be used, and what a model of them needs to know; DataContractError (40) where nothing can.

    The folder `scratch` gets copies of tables of which no column can be read without the others.
    """
    test = None if options.test is None else Path(options.test)
    source = Source.read(Path(options.data), test, options.name, scratch)
    source, notes, keys = _with_answers(source, options)
    drafted, survey = _without_leaks(source, options, notes, keys)
    return source, drafted, survey


def _check_repository(force: bool) -> None:
    if not Path("dvc.yaml").is_file() or not Path(".dvc").is_dir():
        raise UsageError("there is no dvc.yaml and .dvc here; run from the root of the repository")
    try:
        git.run("diff", "--quiet", "HEAD", "--", str(PARAMS))
    except GitFailed as failure:
        if failure.code == 1 and not force:
            raise UsageError(
                "params.yaml has uncommitted changes, and init replaces it; commit or discard them, or give --force"
            ) from failure


def _with_answers(source: Source, options: argparse.Namespace) -> tuple[Source, list[str], dict[str, object]]:
    """The rows that a model can be trained on, with notes, and the keys of `data` that leave the others out again."""
    notes: list[str] = []
    keys: dict[str, object] = {}
    if options.target in source.names:
        source, missing = source.with_target(options.target)
        if missing:
            notes.append(f"data.drop_missing_target leaves out {quantity(missing, 'row')} without {options.target!r}")
            keys["drop_missing_target"] = True
        if options.min_class_rows > 1:
            source, rare = source.without_classes(options.target, options.min_class_rows)
            if rare:
                notes.append(f"data.min_class_rows leaves out {quantity(rare, 'row')} of rare classes")
            keys["min_class_rows"] = options.min_class_rows
    return source, notes, keys


def _without_leaks(
    source: Source, options: argparse.Namespace, notes: Sequence[str], keys: dict[str, object]
) -> tuple[Drafted, Survey]:
    """The draft without the columns that prepare would refuse, and the survey of its rows."""
    left_out: dict[str, str] = {}
    allowed: dict[str, list[str]] = {}
    guesses: dict[str, Guess] = {}
    while True:
        drafted = draft(source, options, left_out, guesses)
        completed = replace(
            drafted.draft, data={**drafted.draft.data, **keys}, notes=(*notes, *drafted.draft.notes), allowed=allowed
        )
        drafted = replace(drafted, draft=completed)
        survey = Survey(_params(drafted, linear(drafted)))
        for lot in source.lots():
            survey.add(lot)
        survey.finish(source.lots())
        leaks = [leak for leak in leakage.find(survey) if not leak.allowed]
        if not leaks:
            return drafted, survey
        for leak in leaks:
            column, rule = leak.violation.column, leak.violation.rule
            if column in (options.keep or ()):
                allowed.setdefault(leak.check, []).append(column)
            else:
                left_out[column] = (
                    f"{rule}; if it will be known when the model serves, begin again with --keep {column!r}"
                )


def first_model(drafted: Drafted, survey: Survey, source: Source) -> tuple[Recipe, Comparison, str]:
    """The recipe that predicts best on the training part of these rows, what was compared, and the text of params.yaml
    with it."""
    params = _params(drafted, linear(drafted))
    parts, units = prepare.hold_out(survey, split.units(survey.hashes))
    rows = _some_of_training(params, survey, source, parts.train, units)
    uneven = False
    if params.model.task == "classification":
        counts = survey.labels.counts(parts.train).values()
        uneven = max(counts) >= _UNEVEN * min(counts)
    boosted = recipe.boosted(drafted.draft.task, drafted.columns, drafted.by_time, len(parts.train))
    compared = comparison.compare(
        [linear(drafted), boosted], lambda recipe: _params(drafted, recipe), rows, len(parts.test), uneven
    )
    chosen = compared.best.recipe
    assert chosen is not None  # guessing is none of the recipes
    metric = METRIC[drafted.draft.task]
    text = params_yaml.write(drafted.draft, chosen, Threshold(metric, compared.threshold, _reasons(compared)))
    _loaded(text)
    return chosen, compared, text


def _reasons(compared: Comparison) -> list[str]:
    return [
        *compared.sentences,
        "a third of the way from guessing to this model, or nearer to guessing where chance could miss that",
    ]


def _some_of_training(params: Params, survey: Survey, source: Source, train: np.ndarray, units: np.ndarray) -> Rows:
    """As many of the rows `train`, which prepare will train on, as the recipes are tried on."""
    picked = train[comparison.picked(len(train), len(params.features))]
    table = source.rows(picked)
    converted = contract.check(table, (*params.features, params.target), params.cells).columns
    by_time = params.prepare.split.method == "time" and survey.moments is not None
    moments = survey.moments[picked] if by_time and survey.moments is not None else None
    return Rows(tables.frame(params, converted), tables.target(params, converted), units[picked], moments)


def linear(drafted: Drafted) -> Recipe:
    """The first recipe of the draft."""
    return recipe.linear(drafted.draft.task, drafted.columns, drafted.by_time)


def _params(drafted: Drafted, recipe: Recipe) -> Params:
    metric = METRIC[drafted.draft.task]
    return _loaded(params_yaml.write(drafted.draft, recipe, Threshold(metric, 0.5, ())))


def _loaded(text: str) -> Params:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return load(path)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"this table gives no valid params.yaml: {error}; rename the column, or leave it out"
            ) from error


def _tell(drafted: Drafted, chosen: Recipe, compared: Comparison, rows: int) -> None:
    draft = drafted.draft
    table = f"{quantity(len(drafted.columns), 'column')}, {quantity(rows, 'row')}"
    print(f"{draft.name}: {draft.task} of {draft.data['target']!r} from {table}")
    for note in draft.notes:
        print(f"  {note}")
    for sentence in compared.sentences:
        print(f"  {sentence}")
    metric, bound = METRIC[draft.task], "at most" if draft.task == "classification" else "at least"
    held_out = f"{quantity(compared.held_out, 'row')} ({compared.held_out / rows:.1%}) held out"
    print(f"  {chosen.estimator}; split {draft.split['method']}, {held_out}")
    print(f"  gate: better than guessing, and {metric} {bound} {compared.threshold:g}")
    if compared.best.loss >= compared.guess.loss:
        print("  this model is no better than guessing; the gate will stop it: look for columns that tell more")
    print(f"written: params.yaml, {draft.data['path']}.dvc, gitops/models/{draft.name}/")
    print("next:")
    print("  dvc repro                      # train it here")
    print("  dvc push                       # the data, to the remote")
    print(f"  git add params.yaml data gitops/models/{draft.name} && git commit -m 'Start {draft.name}' && git push")
