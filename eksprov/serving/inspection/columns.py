"""What a scikit-learn model expects, read from its pickle: MLServer's `inputs`, or nothing where that is not sure.

Estimators keep `n_features_in_` and, fitted on a table whose columns have names, `feature_names_in_`
(https://scikit-learn.org/stable/developers/develop.html#universal-attributes); those that hold others ask the first of
them. Types are not kept: they are numbers (FP64) for estimators that calculate with what they get, and for encoders
what their categories are. https://github.com/kserve/open-inference-protocol, model metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from eksprov.serving.inspection.opcodes import Array, Made, Named

INPUT: Final = "input-0"
MAX_COLUMNS: Final = 2000  # more make a description that nobody reads
MAX_DEPTH: Final = 20
NUMBERS: Final = "FP64"
TEXTS: Final = "BYTES"
UNUSED: Final = "unused"  # a column that a ColumnTransformer drops: a request may do without it

# Packages whose estimators take numbers alone, but for the classes below.
_NUMERIC: Final = frozenset(
    [
        "linear_model",
        "tree",
        "ensemble",
        "neighbors",
        "svm",
        "naive_bayes",
        "neural_network",
        "cluster",
        "decomposition",
        "gaussian_process",
        "discriminant_analysis",
        "cross_decomposition",
        "mixture",
        "kernel_ridge",
        "isotonic",
        "preprocessing",
        "feature_selection",
        "covariance",
        "random_projection",
        "kernel_approximation",
    ]
)
_ANYTHING: Final = frozenset(
    [
        "FunctionTransformer",
        "LabelEncoder",
        "LabelBinarizer",
        "MultiLabelBinarizer",
        "BaggingClassifier",
        "BaggingRegressor",
        "AdaBoostClassifier",
        "AdaBoostRegressor",
        "RFE",
        "RFECV",
        "SelectFromModel",
        "SequentialFeatureSelector",
        "RANSACRegressor",
    ]
)
_ENCODERS: Final = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})


def class_of(value: Any) -> Named | None:
    """The class of an object, however its pickle makes it."""
    if not isinstance(value, Made) or not isinstance(value.callee, Named):
        return None
    if value.callee.module == "copyreg" and isinstance(value.args, tuple) and value.args:
        return value.args[0] if isinstance(value.args[0], Named) else None
    return value.callee


def state_of(value: Any) -> Mapping[str, Any]:
    """An object's attributes, as far as its pickle has them."""
    return value.state if isinstance(value, Made) and isinstance(value.state, dict) else {}


def is_sklearn(named: Named | None) -> bool:
    """Whether a name is of scikit-learn itself."""
    return named is not None and named.module.partition(".")[0] == "sklearn"


def inputs_of(model: Any) -> list[dict[str, Any]]:
    """The model's inputs as MLServer describes them; empty where they are not known for sure."""
    first = _entrance(model, 0)
    count = state_of(first).get("n_features_in_")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= MAX_COLUMNS:
        return []
    names = state_of(first).get("feature_names_in_")
    if names is None:
        types = _types(first, count, None)
        return [{"name": INPUT, "datatype": NUMBERS, "shape": [-1, count]}] if types == [NUMBERS] * count else []
    columns = _texts(names)
    if columns is None or len(columns) != count or len(set(columns)) != count:
        return []
    types = _types(first, count, columns)
    if types is None or None in types:
        return []
    pairs = zip(columns, types, strict=True)
    return [{"name": name, "datatype": kind, "shape": [-1, 1]} for name, kind in pairs if kind != UNUSED]


def _texts(value: Any) -> list[str] | None:
    values = value.values if isinstance(value, Array) else value
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        return None
    return list(values)


def _at(key: str, *path: int) -> Callable[[Mapping[str, Any]], Any]:
    def look(state: Mapping[str, Any]) -> Any:
        value = state.get(key)
        for index in path:
            value = value[index] if isinstance(value, list | tuple) and len(value) > index else None
        return value

    return look


def _steps(value: Any) -> list[Any]:
    """What a Pipeline does, in order, without steps that do nothing."""
    steps = state_of(value).get("steps")
    pairs = [step for step in steps if isinstance(step, tuple) and len(step) == 2] if isinstance(steps, list) else []
    return [step for _, step in pairs if step is not None and step != "passthrough"]


def last_of(value: Any) -> Any:
    """What answers in the end: of a Pipeline its last step."""
    named = class_of(value)
    if named is None or not is_sklearn(named) or named.name != "Pipeline":
        return value
    steps = _steps(value)
    return steps[-1] if steps else None


# Where estimators that hold others have the first that sees the data.
_HOLDERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    **{f"{name}SearchCV": _at("best_estimator_") for name in ("Grid", "Randomized", "HalvingGrid", "HalvingRandom")},
    "TunedThresholdClassifierCV": _at("estimator_"),
    "FixedThresholdClassifier": _at("estimator_"),
    "TransformedTargetRegressor": _at("regressor_"),
    "FeatureUnion": _at("transformer_list", 0, 1),
    **{f"{kind}{of}": _at("estimators_", 0) for kind in ("Voting", "Stacking") for of in ("Classifier", "Regressor")},
    **{f"OneVs{which}Classifier": _at("estimators_", 0) for which in ("Rest", "One")},
    **{f"MultiOutput{of}": _at("estimators_", 0) for of in ("Classifier", "Regressor")},
    "OutputCodeClassifier": _at("estimators_", 0),
    "CalibratedClassifierCV": _at("calibrated_classifiers_", 0),
    "_CalibratedClassifier": _at("estimator"),
}


def _entrance(value: Any, depth: int) -> Any:
    """The estimator that sees the data first, in the end one that holds no other."""
    named = class_of(value)
    if named is None or not is_sklearn(named) or depth > MAX_DEPTH:
        return None
    if named.name == "Pipeline":
        return _entrance(next(iter(_steps(value)), None), depth + 1)
    if named.name in _HOLDERS:
        return _entrance(_HOLDERS[named.name](state_of(value)), depth + 1)
    return value


def _types(value: Any, count: int, columns: list[str] | None) -> list[str | None] | None:
    """A datatype a column, None for one that is not known; None altogether where nothing is."""
    named = class_of(value)
    if named is None or not is_sklearn(named):
        return None
    state, package = state_of(value), named.module.split(".")[1] if "." in named.module else ""
    if named.name == "ColumnTransformer":
        return _types_by_column(state, columns) if columns is not None else _all_numbers(state, count)
    if named.name == "Pipeline":
        return _types_of_steps(value, count)
    if named.name in _ENCODERS:
        kept = state.get("categories_")
        return [_type_of(one) for one in kept] if isinstance(kept, list) and len(kept) == count else None
    if named.name in ("SimpleImputer", "KNNImputer", "IterativeImputer", "MissingIndicator"):
        kept = state.get("statistics_", state.get("_fit_X", state.get("initial_imputer_")))
        return [NUMBERS] * count if isinstance(kept, Array) and kept.dtype[0] in "fiu" else None
    if package not in _NUMERIC or named.name in _ANYTHING or state.get("is_categorical_") is not None:
        return None
    return [NUMBERS] * count


def _types_of_steps(value: Any, count: int) -> list[str | None] | None:
    for step in _steps(value):
        found = _types(step, count, None)
        if found is not None:
            return found
        named = class_of(step)
        if named is None or named.name != "SimpleImputer":
            return None
    return None


def _types_by_column(state: Mapping[str, Any], columns: list[str] | None) -> list[str | None] | None:
    found: dict[str, str | None] = {}
    routes = state.get("transformers_")
    if not isinstance(routes, list) or columns is None:
        return None
    for route in routes:
        if not isinstance(route, tuple) or len(route) != 3:
            return None
        chosen = _chosen(route[2], columns)
        if chosen is None:
            return None
        dropped = route[1] == "drop"
        types = [UNUSED] * len(chosen) if dropped else _types(route[1], len(chosen), None) or [None] * len(chosen)
        for column, kind in zip(chosen, types, strict=True):
            if found.get(column, UNUSED) == UNUSED:
                found[column] = kind
    return [found.get(column) for column in columns]


def _chosen(wanted: Any, columns: list[str]) -> list[str] | None:
    """The columns that a route takes, by name or by place."""
    wanted = [wanted] if isinstance(wanted, str) else state_of(wanted).get("data", wanted)  # data: a list of its own
    values = wanted.values if isinstance(wanted, Array) else wanted
    if not isinstance(values, list):
        return None
    named = [columns[one] if isinstance(one, int) and 0 <= one < len(columns) else one for one in values]
    return named if all(isinstance(one, str) and one in columns for one in named) else None


def _all_numbers(state: Mapping[str, Any], count: int) -> list[str | None] | None:
    """Of a table without names: every route has to take numbers."""
    routes = state.get("transformers_")
    if not isinstance(routes, list):
        return None
    for route in routes:
        if not isinstance(route, tuple) or len(route) != 3 or not isinstance(route[2], list):
            return None
        if route[1] != "drop" and _types(route[1], len(route[2]), None) != [NUMBERS] * len(route[2]):
            return None
    return [NUMBERS] * count


def _type_of(categories: Any) -> str | None:
    """The datatype of a column by the categories that were seen in it."""
    if not isinstance(categories, Array):
        return None
    if categories.dtype[0] in "fiu":
        return NUMBERS
    if categories.dtype[0] == "U":
        return TEXTS
    values = categories.values
    return TEXTS if isinstance(values, list) and values and all(isinstance(one, str) for one in values) else None
