"""A model of the example trained in a second, with a verdict beside it: for showing what happens to it afterwards.

No stage ran and no gate looked at it: it is the estimator of params.yaml's example on all 150 rows, packaged by the
project's own code.
"""

import io
from pathlib import Path

from artifact import digest, save, text_file
from artifact.signature import Feature, for_model
from local import example

NAME = "iris"


def make(folder: Path, strength: float, *, swapped: bool = False, shift: float = 0.0) -> Path:
    """`folder`/artifact and `folder`/verdict.json of a logistic regression with C=`strength`: another C, other bytes.

    `swapped`: two classes are taken for each other; `shift`: cm that are added to every length of the rows.
    Returns the artifact's folder.
    """
    import joblib
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    data = example.iris()
    table = pd.read_csv(io.BytesIO(data))
    target = table.pop("species")
    table += shift
    if swapped:
        target = target.replace({"setosa": "virginica", "virginica": "setosa"})
    model = LogisticRegression(C=strength, random_state=20, max_iter=1000).fit(table, target)
    columns = {str(name): table[name].to_numpy() for name in table}
    features = tuple(Feature(name, "float64") for name in columns)
    signature = for_model("classification", features, Feature("species", "string"), model)
    stream = io.BytesIO()
    joblib.dump(model, stream)
    artifact = folder / "artifact"
    named = save.save(
        artifact,
        name=NAME,
        model=stream.getvalue(),
        signature=signature,
        train=columns,
        holdout=columns,
        golden_rows=4,
        data_digest=digest.of_bytes(data),
        parameters={"C": strength},
        metrics={"accuracy": float(model.score(table, target))},
    )
    verdict = {
        "schema_version": 2,
        "passed": True,
        "outcome": "first-deployment",
        "reason": "made to be shown: no gate looked at it",
        "rules": [],
        "model": NAME,
        "model_digest": named,
        "inputs_digest": digest.of_bytes(f"C={strength} {swapped} {shift}".encode()),
        "data_digest": digest.of_bytes(data),
    }
    text_file.write(folder / "verdict.json", text_file.readable_json(verdict))
    return artifact
