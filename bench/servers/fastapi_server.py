"""What a user writes in ten minutes: FastAPI, a pydantic model, scikit-learn's predict. Speaks v1's shape."""

from __future__ import annotations

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel


class Request(BaseModel):
    """Rows: lists of numbers, or objects by feature name."""

    instances: list[list[float]] | list[dict[str, Any]]


class Answer(BaseModel):
    """One label a row."""

    predictions: list[int]


def create() -> FastAPI:
    """The app, for `uvicorn --factory`; MODEL_FILE names the model."""
    app = FastAPI()
    model = joblib.load(os.environ["MODEL_FILE"])

    @app.post("/v1/models/{name}:predict")
    def predict(name: str, request: Request) -> Answer:
        by_name = isinstance(request.instances[0], dict)
        rows = pd.DataFrame(request.instances) if by_name else request.instances
        return Answer(predictions=model.predict(rows).tolist())

    return app
