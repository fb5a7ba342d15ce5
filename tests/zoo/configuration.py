"""One model of the zoo, as params.yaml would have it, and short ways to write many of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.zoo.tables import SCHEMAS

Step = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Configuration:
    """A model: its table and target (`tests.zoo.tables`), its estimator, and its blocks of preprocessing, each of
    columns and steps. `sample` ones are run by every `make test`. `task` is that of the target where None; `more` are
    further keys of the section train.
    """

    name: str
    table: str
    target: str
    estimator: str
    parameters: dict[str, Any] = field(default_factory=dict)
    preprocessing: dict[str, tuple[list[str], list[Step]]] = field(default_factory=dict)
    sample: bool = False
    task: str | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def estimator_name(self) -> str:
        """The class that predicts, with the class within it where it asks another one."""
        inner = [name for value in self.parameters.values() if isinstance(value, dict) for name in value]
        names = [self.estimator, *(name for name in inner if name.startswith(("sklearn.", "lightgbm.", "xgboost.")))]
        return " of ".join(name.rpartition(".")[2] for name in names)

    @property
    def targets(self) -> list[str]:
        """The columns to predict: `target`, or several with a plus between them."""
        return self.target.split("+")


def part(name: str, **parameters: Any) -> Step:
    """A component inside parameters or steps, `{<import name>: {…}}`; `name` goes without its first word, sklearn."""
    return {f"sklearn.{name}": parameters}


SEED = {"random_state": 20}
FEW = {"n_estimators": 12, **SEED}
SCALE = part("preprocessing.StandardScaler")
CUBE = part("preprocessing.PolynomialFeatures", degree=3, include_bias=False)
IMPUTE = part("impute.SimpleImputer", strategy="median", add_indicator=True)
ONE_HOT = part("preprocessing.OneHotEncoder", handle_unknown="ignore", sparse_output=False)
ORDINAL = part("preprocessing.OrdinalEncoder", handle_unknown="use_encoded_value", unknown_value=-1)
LOGISTIC = part("linear_model.LogisticRegression", max_iter=500, **SEED)
TREE = part("tree.DecisionTreeClassifier", max_depth=4, **SEED)
REGRESSION_TREE = part("tree.DecisionTreeRegressor", max_depth=4, **SEED)


def numbers(
    name: str, target: str, *steps: Step, table: str = "homes", sample: bool = False, **parameters: Any
) -> Configuration:
    """An estimator behind `steps` for all columns of a table of numbers; behind none, it takes them as they are."""
    blocks = {"numbers": (list(SCHEMAS[table]), list(steps))} if steps else {}
    inner = [value for value in parameters.values() if isinstance(value, dict)]
    words = [_word(step) for step in steps] + [name.rpartition(".")[2]] + [_word(value) for value in inner if value]
    label = f"{target} of {table}: {' '.join(words)}"
    return Configuration(label, table, target, f"sklearn.{name}", parameters, blocks, sample)


def mixed(
    name: str,
    target: str,
    texts: Step = ONE_HOT,
    scale: bool = True,
    table: str = "shop",
    sample: bool = False,
    **parameters: Any,
) -> Configuration:
    """An estimator on numbers, booleans, and texts that `texts` encodes; without `scale`, gaps are left to it."""
    kinds: dict[str, list[str]] = {"numbers": [], "flags": [], "texts": []}
    for column, declared in SCHEMAS[table].items():
        kinds[{"bool": "flags", "string": "texts"}.get(declared["dtype"], "numbers")].append(column)
    steps = {
        "numbers": [IMPUTE, SCALE] if scale else [],
        "flags": [part("impute.SimpleImputer", strategy="most_frequent")] if scale else [],
        "texts": [texts],
    }
    blocks = {kind: (columns, steps[kind]) for kind, columns in kinds.items()}
    label = f"{target} of {table}: {_word(texts)} {'scaled ' if scale else ''}{name.rpartition('.')[2]}"
    return Configuration(label, table, target, f"sklearn.{name}", parameters, blocks, sample)


def _word(step: Step) -> str:
    return next(iter(step)).rpartition(".")[2]
