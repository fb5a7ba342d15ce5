"""Estimators of the extras, LightGBM and XGBoost, by their import names."""

from __future__ import annotations

import importlib

from artifact import extras
from artifact.errors import ConfigurationError
from artifact.extras import CHOSEN, EXTRAS
from pipeline.params.messages import near

# LightGBM's class takes any parameter of the library beside its own. These change the trees; others name files,
# machines and devices, or make trees that are not served.
_LIGHTGBM = (
    *(
        "alpha",
        "bagging_seed",
        "drop_rate",
        "drop_seed",
        "extra_seed",
        "extra_trees",
        "fair_c",
        "feature_fraction_bynode",
    ),
    *("feature_fraction_seed", "is_unbalance", "max_bin", "max_delta_step", "max_drop", "min_data_in_bin"),
    *("monotone_constraints", "monotone_constraints_method", "monotone_penalty", "other_rate", "path_smooth"),
    *("poisson_max_delta_step", "reg_sqrt", "scale_pos_weight", "skip_drop", "top_rate", "tweedie_variance_power"),
    *("use_missing", "verbose", "zero_as_missing"),
)

# Of XGBoost's own: what no YAML can hold, no model here has, or no training here does.
_NOT_HERE = ("callbacks", "device", "early_stopping_rounds", "enable_categorical", "feature_types")


def find(name: str, setting: str) -> type:
    """The library's class of this import name.

    ConfigurationError (10) for a name that is none of an extra's, or where the extra is not chosen or not installed.
    """
    extra = EXTRAS[name.partition(".")[0]]
    if name not in extra.kinds:
        raise ConfigurationError(f"params.yaml: {setting} is {name!r}, which is not served{near(name, extra.kinds)}")
    if extra.name not in extras.chosen():
        raise ConfigurationError(
            f"params.yaml: {setting} is {name!r}, of the extra {extra.name}, which {CHOSEN} does not name: "
            f"{extras.remedy([*extras.chosen(), extra.name])}"
        )
    try:
        kind: type = getattr(importlib.import_module(extra.name), name.rpartition(".")[2])
    except ImportError as error:
        raise ConfigurationError(
            f"params.yaml: {setting}: importing {extra.name} fails: {error}; run the stages by `make repro`, which "
            f"installs what {CHOSEN} names"
        ) from error
    return kind


def parameters(component: type) -> list[str]:
    """The names of the parameters that the class takes here."""
    own = set(component().get_params()) - set(_NOT_HERE)
    return sorted(own | set(_LIGHTGBM if component.__module__.partition(".")[0] == "lightgbm" else ()))
