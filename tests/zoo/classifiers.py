"""Classifiers of the zoo."""

from __future__ import annotations

from tests.zoo.configuration import (
    CUBE,
    FEW,
    IMPUTE,
    LOGISTIC,
    ONE_HOT,
    ORDINAL,
    SCALE,
    SEED,
    TREE,
    Configuration,
    mixed,
    numbers,
    part,
)

BINS = part("preprocessing.KBinsDiscretizer", n_bins=4, subsample=None, **SEED)
PCA = part("decomposition.PCA", n_components=3, **SEED)
LINEAR = {"max_iter": 500, **SEED}
FOREST = part("ensemble.RandomForestClassifier", max_depth=5, **FEW)
VOTERS = [["logistic", LOGISTIC], ["tree", TREE], ["bayes", part("naive_bayes.GaussianNB")]]

CLASSIFIERS: list[Configuration] = [
    # linear
    numbers("linear_model.LogisticRegression", "kind", SCALE, **LINEAR),
    numbers("linear_model.LogisticRegression", "flag", **LINEAR),
    numbers("linear_model.LogisticRegressionCV", "grade", SCALE, Cs=3, cv=3, use_legacy_attributes=False, **LINEAR),
    numbers("linear_model.LogisticRegression", "kind", CUBE, SCALE, table="pair", **LINEAR),
    numbers("linear_model.SGDClassifier", "kind", SCALE, loss="log_loss", **SEED),
    numbers("linear_model.SGDClassifier", "flag", SCALE, loss="modified_huber", **SEED),
    numbers("linear_model.Perceptron", "grade", SCALE, **SEED),
    numbers("linear_model.RidgeClassifier", "kind", SCALE, **SEED),
    numbers("linear_model.RidgeClassifierCV", "flag", SCALE),
    numbers("svm.LinearSVC", "kind", SCALE, **SEED),
    numbers("svm.SVC", "grade", SCALE, **SEED),
    numbers("svm.NuSVC", "flag", SCALE, kernel="poly", nu=0.3, **SEED),
    mixed("linear_model.LogisticRegression", "kind", **LINEAR),
    mixed("linear_model.LogisticRegression", "flag", table="people", sample=True, **LINEAR),
    mixed("linear_model.LogisticRegression", "grade", part("preprocessing.TargetEncoder", **SEED), **LINEAR),
    # discriminant analysis, naive Bayes, neighbours, Gaussian processes
    numbers("discriminant_analysis.LinearDiscriminantAnalysis", "kind", SCALE),
    numbers("discriminant_analysis.LinearDiscriminantAnalysis", "kind", CUBE, table="pair", sample=True),
    numbers("discriminant_analysis.LinearDiscriminantAnalysis", "flag", solver="lsqr", shrinkage="auto"),
    numbers("discriminant_analysis.QuadraticDiscriminantAnalysis", "grade", SCALE),
    numbers("discriminant_analysis.QuadraticDiscriminantAnalysis", "kind", table="pair"),
    numbers("naive_bayes.GaussianNB", "kind", SCALE),
    numbers("naive_bayes.GaussianNB", "flag", table="pair"),
    numbers("naive_bayes.BernoulliNB", "grade", SCALE),
    numbers("naive_bayes.MultinomialNB", "kind", part("preprocessing.MinMaxScaler", clip=True)),
    numbers(
        "naive_bayes.ComplementNB", "flag", part("preprocessing.KBinsDiscretizer", n_bins=4, subsample=None, **SEED)
    ),
    numbers(
        "naive_bayes.CategoricalNB",
        "kind",
        part("preprocessing.KBinsDiscretizer", n_bins=4, encode="ordinal", subsample=None, **SEED),
        min_categories=4,
    ),
    numbers("neighbors.KNeighborsClassifier", "kind", SCALE),
    numbers("neighbors.KNeighborsClassifier", "flag", SCALE, weights="distance", algorithm="brute"),
    numbers("neighbors.RadiusNeighborsClassifier", "grade", SCALE, radius=2.0, outlier_label=2),
    numbers("neighbors.NearestCentroid", "kind", SCALE),
    numbers("gaussian_process.GaussianProcessClassifier", "flag", SCALE, table="pair", optimizer=None, **SEED),
    numbers("neural_network.MLPClassifier", "kind", SCALE, hidden_layer_sizes=[12], max_iter=120, **SEED),
    numbers("semi_supervised.LabelSpreading", "kind", SCALE),
    numbers("semi_supervised.LabelPropagation", "flag", SCALE, kernel="knn"),
    numbers("semi_supervised.SelfTrainingClassifier", "kind", SCALE, estimator=LOGISTIC),
    # trees and their ensembles
    numbers("tree.DecisionTreeClassifier", "kind", **SEED),
    numbers("tree.DecisionTreeClassifier", "grade", SCALE, **SEED),
    numbers("tree.ExtraTreeClassifier", "flag", **SEED),
    numbers("ensemble.RandomForestClassifier", "flag", **FEW),
    numbers("ensemble.RandomForestClassifier", "kind", SCALE, **FEW),
    mixed("ensemble.RandomForestClassifier", "grade", **FEW),
    mixed("ensemble.RandomForestClassifier", "flag", ORDINAL, scale=False, table="people", **FEW),
    numbers("ensemble.ExtraTreesClassifier", "kind", **FEW),
    numbers("ensemble.GradientBoostingClassifier", "kind", **FEW),
    mixed("ensemble.GradientBoostingClassifier", "flag", **FEW),
    numbers("ensemble.HistGradientBoostingClassifier", "kind", table="gaps", max_iter=20, sample=True, **SEED),
    numbers("ensemble.HistGradientBoostingClassifier", "flag", SCALE, max_iter=20, **SEED),
    mixed("ensemble.HistGradientBoostingClassifier", "grade", scale=False, max_iter=20, **SEED),
    mixed(
        "ensemble.HistGradientBoostingClassifier",
        "kind",
        part("preprocessing.OrdinalEncoder", handle_unknown="use_encoded_value", unknown_value=float("nan")),
        scale=False,
        table="people",
        categorical_features=[3, 4],
        max_iter=20,
        **SEED,
    ),
    numbers("ensemble.AdaBoostClassifier", "kind", SCALE, **FEW),
    numbers("ensemble.BaggingClassifier", "kind", estimator=TREE, **FEW),
    numbers("ensemble.BaggingClassifier", "flag", SCALE, estimator=LOGISTIC, n_estimators=5, **SEED),
    # of several models, or chosen among them
    numbers("ensemble.VotingClassifier", "kind", SCALE, estimators=VOTERS, voting="soft"),
    numbers("ensemble.VotingClassifier", "grade", SCALE, estimators=VOTERS[::-1], voting="hard"),
    numbers("ensemble.StackingClassifier", "flag", SCALE, estimators=VOTERS, final_estimator=LOGISTIC, cv=3),
    mixed("ensemble.StackingClassifier", "kind", estimators=VOTERS[:2], final_estimator=FOREST, cv=3),
    numbers("calibration.CalibratedClassifierCV", "kind", SCALE, estimator=part("svm.LinearSVC", **SEED), cv=3),
    numbers("calibration.CalibratedClassifierCV", "flag", estimator=FOREST, method="isotonic", cv=3),
    mixed(
        "calibration.CalibratedClassifierCV",
        "kind",
        estimator=part("ensemble.HistGradientBoostingClassifier", max_iter=20, **SEED),
        cv=3,
    ),
    numbers("model_selection.TunedThresholdClassifierCV", "flag", SCALE, estimator=LOGISTIC, cv=3, **SEED),
    mixed("model_selection.TunedThresholdClassifierCV", "flag", estimator=FOREST, cv=3, **SEED),
    numbers("model_selection.FixedThresholdClassifier", "flag", SCALE, estimator=LOGISTIC, threshold=0.3),
    numbers("multiclass.OneVsRestClassifier", "kind", SCALE, estimator=LOGISTIC),
    numbers("multiclass.OneVsOneClassifier", "grade", SCALE, estimator=part("svm.LinearSVC", **SEED)),
    numbers("multiclass.OutputCodeClassifier", "kind", SCALE, estimator=LOGISTIC, **SEED),
    numbers("model_selection.GridSearchCV", "kind", SCALE, estimator=LOGISTIC, param_grid={"C": [0.1, 1.0]}, cv=3),
    numbers("dummy.DummyClassifier", "kind", SCALE, **SEED),
    # selection of features, and other preprocessing
    numbers("linear_model.LogisticRegression", "flag", SCALE, part("feature_selection.SelectKBest", k=2), **LINEAR),
    numbers(
        "linear_model.LogisticRegression",
        "grade",
        part("feature_selection.SelectFromModel", estimator=FOREST),
        SCALE,
        **LINEAR,
    ),
    numbers(
        "ensemble.RandomForestClassifier",
        "kind",
        part("feature_selection.RFE", estimator=TREE, n_features_to_select=3),
        **FEW,
    ),
    numbers("linear_model.LogisticRegression", "kind", part("preprocessing.PowerTransformer"), **LINEAR),
    numbers(
        "linear_model.LogisticRegression",
        "flag",
        part("preprocessing.QuantileTransformer", n_quantiles=50, output_distribution="normal", subsample=None, **SEED),
        **LINEAR,
    ),
    numbers(
        "linear_model.LogisticRegression",
        "grade",
        part("preprocessing.SplineTransformer", n_knots=4, degree=3),
        **LINEAR,
    ),
    numbers(
        "linear_model.LogisticRegression",
        "kind",
        part("preprocessing.KBinsDiscretizer", n_bins=5, encode="onehot-dense", subsample=None, **SEED),
        **LINEAR,
    ),
    numbers("linear_model.LogisticRegression", "flag", SCALE, PCA, **LINEAR),
    numbers(
        "linear_model.LogisticRegression",
        "kind",
        SCALE,
        part("kernel_approximation.Nystroem", n_components=20, **SEED),
        **LINEAR,
    ),
    numbers(
        "linear_model.LogisticRegression",
        "grade",
        part("ensemble.RandomTreesEmbedding", n_estimators=5, max_depth=3, **SEED),
        **LINEAR,
    ),
    numbers("svm.LinearSVC", "flag", part("impute.KNNImputer", n_neighbors=3), SCALE, table="gaps", **SEED),
    numbers(
        "ensemble.RandomForestClassifier",
        "kind",
        part("impute.IterativeImputer", max_iter=3, **SEED),
        table="gaps",
        **FEW,
    ),
    numbers("linear_model.LogisticRegression", "flag", IMPUTE, SCALE, table="gaps", **LINEAR),
    Configuration(
        "flag of dates: CalendarFeatures LogisticRegression",
        "dates",
        "flag",
        "sklearn.linear_model.LogisticRegression",
        LINEAR,
        {
            "calendar": (
                ["sold"],
                [
                    {"features.calendar.CalendarFeatures": {"parts": ["year", "month", "day_of_week"], "cyclic": True}},
                    part("impute.SimpleImputer"),
                    SCALE,
                ],
            ),
            "numbers": (["area"], [SCALE]),
        },
    ),
    mixed("svm.SVC", "kind", ONE_HOT, table="people", **SEED),
    *(
        Configuration(
            f"flag of people: {name} LogisticRegression",
            "people",
            "flag",
            "sklearn.linear_model.LogisticRegression",
            LINEAR,
            {
                "text": (["city"], [part(f"feature_extraction.text.{name}", **parameters)]),
                "plan": (["plan"], [ONE_HOT]),
                "numbers": (["income", "age", "smoker"], [IMPUTE, SCALE]),
            },
        )
        for name, parameters in (
            ("TfidfVectorizer", {"analyzer": "char"}),
            ("CountVectorizer", {"binary": True}),
            ("HashingVectorizer", {"n_features": 64}),
        )
    ),
]
