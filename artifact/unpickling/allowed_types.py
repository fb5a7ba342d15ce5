"""What model.joblib may name, one by one, each group with the reason why a model needs it and why it is harmless.

A pickle is a program: it names things of the installed libraries and says what to do with them. `unpickler` lets it
name what stands here, and classes and functions that a module of features/ itself defines, and do with each only what
its table says:

- EMPTY (`allowed_classes`): a class. The pickle makes an object without arguments and gives it attributes, none of
  which may hide a method.
- BUILT: a class or function that the pickle calls, with plain data and with the things that `takes` names.
- ATTRIBUTES: a type or function that a model holds as the value of an attribute. The pickle may not call it. The model
  may, with whatever the pickle says, so nothing here looks up an attribute, an item, a module or a file by a name that
  it is given, calls what it is given, or runs text as code.

To serve a model of another type: add its name to the table that fits, with the reason, and its library to
requirements/serving.in, in one reviewed commit. tests/artifact/unpickling/test_allowed_types.py checks each entry.
"""

from __future__ import annotations

from artifact.unpickling.allowed_classes import EMPTY
from artifact.unpickling.group import Group

__all__ = ["ATTRIBUTES", "BUILT", "EMPTY", "Group"]

_ARRAYS = ("numpy.ndarray",)
_RANDOM = ("numpy.random._mt19937.MT19937", "numpy.random._pcg64.PCG64")

BUILT = (
    Group("Plain values.", {"builtins": "complex range slice", "collections": "OrderedDict"}),
    Group(
        "Times and decimal numbers, as a transformer of features/ may hold them.",
        {"datetime": "date datetime time timedelta timezone", "decimal": "Decimal"},
    ),
    Group("The type of an array's values.", {"numpy": "dtype"}),
    Group("Arrays and numbers.", {"numpy._core.multiarray": "_reconstruct scalar"}, _ARRAYS),
    Group("Arrays within arrays of objects.", {"numpy._core.numeric": "_frombuffer"}),
    Group(
        "The results of a search: some parameters belong to some candidates only.",
        {"numpy.ma.core": "_mareconstruct"},
        (*_ARRAYS, "numpy.ma.MaskedArray"),
    ),
    Group(
        "Random generators in the state that training left them in.",
        {"numpy.random._pickle": "__bit_generator_ctor"},
        _RANDOM,
    ),
    Group("The same.", {"numpy.random._pickle": "__generator_ctor __randomstate_ctor"}),
    Group(
        "The same: their seed.",
        {"numpy.random.bit_generator": "__pyx_unpickle_SeedSequence"},
        ("numpy.random.bit_generator.SeedSequence",),
    ),
    Group("Decision trees: arrays of nodes.", {"sklearn.tree._tree": "Tree"}),
    Group("Trees of neighbours.", {"sklearn.neighbors._kd_tree": "newObj"}, ("sklearn.neighbors._kd_tree.KDTree",)),
    Group("The same.", {"sklearn.neighbors._ball_tree": "newObj"}, ("sklearn.neighbors._ball_tree.BallTree",)),
    Group(
        "Distances that a tree of neighbours knows.",
        {"sklearn.metrics._dist_metrics": "newObj"},
        tuple(
            f"sklearn.metrics._dist_metrics.{name}Distance64"
            for name in "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan "
            "Minkowski RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath".split()
        ),
    ),
    Group(
        "Loss functions of linear and boosted models, made of numbers.",
        {
            "sklearn._loss._loss": "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss "
            "CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss "
            "CyPinballLoss",
            "sklearn.linear_model._sgd_fast": "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive "
            "SquaredHinge",
        },
    ),
    Group(
        "The same, of several classes.",
        {"sklearn._loss._loss": "__pyx_unpickle_CyHalfMultinomialLoss"},
        ("sklearn._loss._loss.CyHalfMultinomialLoss",),
    ),
    Group(
        "How histogram gradient boosting converts columns beside categories: check_array, and no other function.",
        {"functools": "partial"},
        ("sklearn.utils.validation.check_array",),
    ),
)

ATTRIBUTES = (
    Group(
        "Types of values, as parameters name them.",
        {"builtins": "bool float int object str", "numpy": "bool float32 float64 int32 int64"},
    ),
    Group(
        "What the builders of arrays, generators, trees and distances take.",
        {"numpy": "matrix", "numpy.random.mtrand": "RandomState", "numpy.random._generator": "Generator"},
    ),
    Group(
        "Functions of numbers for FunctionTransformer and TransformedTargetRegressor: ufuncs, from array to array.",
        {
            "numpy": "absolute cbrt cos exp exp2 expm1 log log10 log1p log2 negative reciprocal sign sin sqrt square "
            "tanh"
        },
    ),
    Group("What FeatureAgglomeration pools with.", {"numpy": "max mean median min"}),
    Group(
        "How a spline keeps arrays: numpy.asarray.",
        {"scipy._lib.array_api_compat.numpy._aliases": "asarray"},
    ),
    Group(
        "How bisecting k-means clusters one half.",
        {"sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd"},
    ),
    Group(
        "What univariate selection scores features with: arrays to arrays.",
        {
            "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
            "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_regression r_regression",
        },
    ),
    Group(
        "What scorers compute, by the names that scikit-learn has for them: arrays to a number.",
        {
            "sklearn.metrics._classification": "accuracy_score balanced_accuracy_score brier_score_loss d2_brier_score "
            "d2_log_loss_score f1_score fbeta_score jaccard_score log_loss matthews_corrcoef precision_score "
            "recall_score",
            "sklearn.metrics._ranking": "average_precision_score roc_auc_score top_k_accuracy_score",
            "sklearn.metrics._regression": "d2_absolute_error_score explained_variance_score max_error "
            "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_poisson_deviance "
            "mean_squared_error mean_squared_log_error median_absolute_error r2_score root_mean_squared_error "
            "root_mean_squared_log_error",
            "sklearn.metrics._scorer": "negative_likelihood_ratio positive_likelihood_ratio",
            "sklearn.metrics.cluster._supervised": "adjusted_mutual_info_score adjusted_rand_score completeness_score "
            "fowlkes_mallows_score homogeneity_score mutual_info_score normalized_mutual_info_score rand_score "
            "v_measure_score",
        },
    ),
)
