"""A real artifact, made once a session."""

from __future__ import annotations

import pytest

from tests.predictor import models
from tests.predictor.models import Packaged


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The artifact of the model iris; tests copy it before they change it."""
    return models.iris(tmp_path_factory.mktemp("artifact") / "iris")


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The artifact of a model with columns of every type."""
    return models.people(tmp_path_factory.mktemp("artifact") / "people")
