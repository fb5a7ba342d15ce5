"""What model.joblib may name, one by one, each group with the reason why a model needs it and why it is harmless.

A pickle is a program: it names things of the installed libraries and says what to do with them. `unpickler` lets it
name what stands here, and classes and functions that a module of features/ itself defines, and do with each only what
its table says:

- EMPTY: a class. The pickle makes an object without arguments and gives it attributes, none of which may hide a method.
- BUILT: a class or function that the pickle calls, with plain data and with the things that `takes` names.
- HELD: a type or function that a model holds as the value of an attribute. The pickle may not call it; the model may,
  with whatever the pickle says. So nothing here looks up an attribute, an item, a module or a file by a name that it is
  given, calls what it is given, or runs text as code.

To serve a model of another type: add its name to the table that fits, with the reason, and its library to
requirements/serving.in, in one reviewed commit. tests/artifact/unpickling/test_allowed_types.py checks each entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Group:
    """Names of like kind: `names` maps a module to its names, separated by spaces; `takes` are `module.name`s."""

    reason: str
    names: Mapping[str, str]
    takes: tuple[str, ...] = field(default=())

    def pairs(self) -> list[tuple[str, str]]:
        """Each (module, name)."""
        return [(module, name) for module, names in self.names.items() for name in names.split()]


EMPTY = (
    Group(
        "Estimators and transformers that params.yaml can name: they compute with arrays that are their attributes.",
        {
            "sklearn.calibration": "CalibratedClassifierCV",
            "sklearn.cluster._agglomerative": "FeatureAgglomeration",
            "sklearn.cluster._birch": "Birch",
            "sklearn.cluster._bisect_k_means": "BisectingKMeans",
            "sklearn.cluster._kmeans": "KMeans MiniBatchKMeans",
            "sklearn.compose._column_transformer": "ColumnTransformer",
            "sklearn.compose._target": "TransformedTargetRegressor",
            "sklearn.cross_decomposition._pls": "CCA PLSCanonical PLSRegression PLSSVD",
            "sklearn.decomposition._dict_learning": "DictionaryLearning MiniBatchDictionaryLearning SparseCoder",
            "sklearn.decomposition._factor_analysis": "FactorAnalysis",
            "sklearn.decomposition._fastica": "FastICA",
            "sklearn.decomposition._incremental_pca": "IncrementalPCA",
            "sklearn.decomposition._kernel_pca": "KernelPCA",
            "sklearn.decomposition._lda": "LatentDirichletAllocation",
            "sklearn.decomposition._nmf": "MiniBatchNMF NMF",
            "sklearn.decomposition._pca": "PCA",
            "sklearn.decomposition._sparse_pca": "MiniBatchSparsePCA SparsePCA",
            "sklearn.decomposition._truncated_svd": "TruncatedSVD",
            "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
            "sklearn.dummy": "DummyClassifier DummyRegressor",
            "sklearn.ensemble._bagging": "BaggingClassifier BaggingRegressor",
            "sklearn.ensemble._forest": "ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier "
            "RandomForestRegressor RandomTreesEmbedding",
            "sklearn.ensemble._gb": "GradientBoostingClassifier GradientBoostingRegressor",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": "HistGradientBoostingClassifier "
            "HistGradientBoostingRegressor",
            "sklearn.ensemble._stacking": "StackingClassifier StackingRegressor",
            "sklearn.ensemble._voting": "VotingClassifier VotingRegressor",
            "sklearn.ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor",
            "sklearn.feature_extraction._dict_vectorizer": "DictVectorizer",
            "sklearn.feature_extraction._hash": "FeatureHasher",
            "sklearn.feature_extraction.image": "PatchExtractor",
            "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
            "sklearn.feature_selection._from_model": "SelectFromModel",
            "sklearn.feature_selection._rfe": "RFE RFECV",
            "sklearn.feature_selection._sequential": "SequentialFeatureSelector",
            "sklearn.feature_selection._univariate_selection": "GenericUnivariateSelect SelectFdr SelectFpr SelectFwe "
            "SelectKBest SelectPercentile",
            "sklearn.feature_selection._variance_threshold": "VarianceThreshold",
            "sklearn.gaussian_process._gpc": "GaussianProcessClassifier",
            "sklearn.gaussian_process._gpr": "GaussianProcessRegressor",
            "sklearn.impute._base": "MissingIndicator SimpleImputer",
            "sklearn.impute._iterative": "IterativeImputer",
            "sklearn.impute._knn": "KNNImputer",
            "sklearn.isotonic": "IsotonicRegression",
            "sklearn.kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler "
            "SkewedChi2Sampler",
            "sklearn.kernel_ridge": "KernelRidge",
            "sklearn.linear_model._base": "LinearRegression",
            "sklearn.linear_model._bayes": "ARDRegression BayesianRidge",
            "sklearn.linear_model._coordinate_descent": "ElasticNet ElasticNetCV Lasso LassoCV MultiTaskElasticNet "
            "MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV",
            "sklearn.linear_model._glm.glm": "GammaRegressor PoissonRegressor TweedieRegressor",
            "sklearn.linear_model._huber": "HuberRegressor",
            "sklearn.linear_model._least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
            "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
            "sklearn.linear_model._omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
            "sklearn.linear_model._passive_aggressive": "PassiveAggressiveClassifier PassiveAggressiveRegressor",
            "sklearn.linear_model._perceptron": "Perceptron",
            "sklearn.linear_model._quantile": "QuantileRegressor",
            "sklearn.linear_model._ransac": "RANSACRegressor",
            "sklearn.linear_model._ridge": "Ridge RidgeCV RidgeClassifier RidgeClassifierCV",
            "sklearn.linear_model._stochastic_gradient": "SGDClassifier SGDRegressor",
            "sklearn.linear_model._theil_sen": "TheilSenRegressor",
            "sklearn.manifold._isomap": "Isomap",
            "sklearn.manifold._locally_linear": "LocallyLinearEmbedding",
            "sklearn.model_selection._classification_threshold": "FixedThresholdClassifier TunedThresholdClassifierCV",
            "sklearn.model_selection._search": "GridSearchCV RandomizedSearchCV",
            "sklearn.model_selection._search_successive_halving": "HalvingGridSearchCV HalvingRandomSearchCV",
            "sklearn.multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
            "sklearn.multioutput": "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain",
            "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
            "sklearn.neighbors._classification": "KNeighborsClassifier RadiusNeighborsClassifier",
            "sklearn.neighbors._graph": "KNeighborsTransformer RadiusNeighborsTransformer",
            "sklearn.neighbors._nca": "NeighborhoodComponentsAnalysis",
            "sklearn.neighbors._nearest_centroid": "NearestCentroid",
            "sklearn.neighbors._regression": "KNeighborsRegressor RadiusNeighborsRegressor",
            "sklearn.neural_network._multilayer_perceptron": "MLPClassifier MLPRegressor",
            "sklearn.neural_network._rbm": "BernoulliRBM",
            "sklearn.pipeline": "FeatureUnion Pipeline",
            "sklearn.preprocessing._data": "Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer "
            "PowerTransformer QuantileTransformer RobustScaler StandardScaler",
            "sklearn.preprocessing._discretization": "KBinsDiscretizer",
            "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
            "sklearn.preprocessing._function_transformer": "FunctionTransformer",
            "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder MultiLabelBinarizer",
            "sklearn.preprocessing._polynomial": "PolynomialFeatures SplineTransformer",
            "sklearn.preprocessing._target_encoder": "TargetEncoder",
            "sklearn.random_projection": "GaussianRandomProjection SparseRandomProjection",
            "sklearn.semi_supervised._label_propagation": "LabelPropagation LabelSpreading",
            "sklearn.semi_supervised._self_training": "SelfTrainingClassifier",
            "sklearn.svm._classes": "LinearSVC LinearSVR NuSVC NuSVR SVC SVR",
            "sklearn.tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier "
            "ExtraTreeRegressor",
        },
    ),
    Group(
        "Detectors of outliers that params.yaml can name: they compute with arrays that are their attributes.",
        {
            "sklearn.covariance._elliptic_envelope": "EllipticEnvelope",
            "sklearn.ensemble._iforest": "IsolationForest",
            "sklearn.linear_model._stochastic_gradient": "SGDOneClassSVM",
            "sklearn.neighbors._lof": "LocalOutlierFactor",
            "sklearn.svm._classes": "OneClassSVM",
        },
    ),
    Group(
        "A regression with an interval: three regressors from this list, asked one after the other.",
        {"artifact.engines.quantile_interval": "QuantileInterval"},
    ),
    Group(
        "Estimators that the above take as a parameter or make for themselves.",
        {
            "sklearn.cluster._agglomerative": "AgglomerativeClustering",
            "sklearn.covariance._empirical_covariance": "EmpiricalCovariance",
            "sklearn.covariance._graph_lasso": "GraphicalLasso GraphicalLassoCV",
            "sklearn.covariance._robust_covariance": "MinCovDet",
            "sklearn.covariance._shrunk_covariance": "LedoitWolf OAS ShrunkCovariance",
            "sklearn.frozen._frozen": "FrozenEstimator",
            "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
            "sklearn.multiclass": "_ConstantPredictor",
            "sklearn.neighbors._unsupervised": "NearestNeighbors",
        },
    ),
    Group(
        "Parts of fitted estimators: what is left of a loss, a calibration, a clustering, a boosting, an optimizer.",
        {
            "sklearn._loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
            "sklearn._loss.loss": "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss "
            "HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss",
            "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
            "sklearn.cluster._birch": "_CFNode _CFSubcluster",
            "sklearn.cluster._bisect_k_means": "_BisectingTree",
            "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
            "sklearn.impute._iterative": "_ImputerTriplet",
            "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
            "sklearn.utils._bunch": "Bunch",
        },
    ),
    Group(
        "Parameters that are objects: kernels, splitters and scorers. They compute with their own attributes.",
        {
            "sklearn.compose._column_transformer": "make_column_selector",
            "sklearn.gaussian_process.kernels": "CompoundKernel ConstantKernel DotProduct ExpSineSquared "
            "Exponentiation Matern PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel",
            "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
            "sklearn.model_selection._split": "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut "
            "LeavePGroupsOut LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
            "StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit",
            "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
        },
    ),
    Group(
        "Arrays and curves that are Python objects: sparse rows, and the basis of a spline.",
        {"scipy.interpolate._bsplines": "BSpline", "scipy.sparse._csr": "csr_array csr_matrix"},
    ),
    Group("How joblib writes an array: shape and type, then the bytes.", {"joblib.numpy_pickle": "NumpyArrayWrapper"}),
)

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

HELD = (
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
