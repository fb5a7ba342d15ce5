"""A Model in this process, as `python -m predictor` makes it."""

from __future__ import annotations

from predictor.model import Model
from tests.predictor.models import Packaged


def loaded(packaged: Packaged, kind: type[Model] = Model) -> Model:
    """The Model of an artifact, verified and replayed."""
    model = kind(packaged.source)
    assert model.load()
    return model
