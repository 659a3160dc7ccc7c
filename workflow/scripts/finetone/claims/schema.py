"""The schema of claims.yaml: every test is of one of seven kinds (docs/published-table.md)."""

from typing import Any

from finetone.statistics.evaluation import SCORES

RUN_METRICS = SCORES
"""Columns of runs.csv: one value per seed."""
TIMINGS = (
    "seconds_per_32",
    "ms_per_million_parameters",
    "train_seconds",
    "train_tokens_per_s",
    "inference_examples_per_s",
    "seconds_per_million_texts",
    "peak_memory_bytes",
)
"""Columns of efficiency.csv that are measured."""
COUNTS = ("parameters", "non_embedding_parameters")
"""Columns of efficiency.csv that are exact."""
TOKENIZER_METRICS = ("tokens_per_word", "unknown_rate", "truncated")
"""Columns of tokenizers.csv: measured over the whole training text, so taken as exact."""
CURVES = ("final_training_accuracy", "area_under_curve", "examples_to_target")
"""Columns of convergence.csv."""
METRICS = (*RUN_METRICS, "drop", *CURVES, *TIMINGS, *COUNTS, *TOKENIZER_METRICS, "flops_per_token")

_TEXT = {"type": "string", "minLength": 1}
_SENTENCE = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["en", "zh"],
            "properties": {"en": _TEXT, "zh": _TEXT},
        },
    ]
}
"""In English, or in English and Chinese."""
_METRIC = {
    "anyOf": [{"enum": list(METRICS)}, {"type": "string", "pattern": "^group\\.[A-Za-z_]+$"}]
}
_EPOCH = {"anyOf": [{"const": "kept"}, {"type": "integer", "minimum": 1}]}
_SELECTION = {
    "method": _TEXT,
    "methods": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
    "group": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
}
_ONE_SELECTION = [{"required": [name]} for name in _SELECTION]
_SELECTION["except"] = {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}
_SELECTOR: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": _SELECTION,
    "oneOf": _ONE_SELECTION,
}
_TERM = {
    **_SELECTOR,
    "properties": {**_SELECTION, "metric": _METRIC, "epoch": _EPOCH, "dataset": _TEXT},
}
_EXPECT = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {"min": {"type": "number"}, "max": {"type": "number"}},
}
_SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_SHARED = {"share": _SHARE, "metric": _METRIC, "epoch": _EPOCH, "dataset": _TEXT, "each": _SELECTOR}


def _kind(name: str, **properties: Any) -> dict[str, Any]:
    """A test of one kind: it requires `properties` and may have the shared ones."""
    return {
        "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
        "then": {
            "additionalProperties": False,
            "required": list(properties),
            "dependentRequired": {"share": ["each"]},
            "properties": {"kind": True, **_SHARED, **properties},
        },
    }


KINDS = {
    "value": _kind("value", a=_TERM, metric=_METRIC, expect=_EXPECT),
    "difference": _kind("difference", a=_TERM, b=_TERM, metric=_METRIC, expect=_EXPECT),
    "ratio": _kind("ratio", a=_TERM, b=_TERM, metric=_METRIC, expect=_EXPECT),
    "correlation": _kind("correlation", x=_METRIC, y=_METRIC, over=_SELECTOR, expect=_EXPECT),
    "ordering": _kind(
        "ordering", metric=_METRIC, order={"type": "array", "items": _TERM, "minItems": 2}
    ),
    "ranking": _kind(
        "ranking", metric=_METRIC, a=_TERM, among=_SELECTOR, place={"enum": ["highest", "lowest"]}
    ),
    "untestable": _kind("untestable", reason=_TEXT),
}
_CORRELATION = KINDS["correlation"]["then"]["properties"]
_CORRELATION["epoch"] = {"anyOf": [*_EPOCH["anyOf"], {"const": "all"}]}

_TESTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS)}},
        "allOf": list(KINDS.values()),
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["claims"],
    "properties": {
        "claims": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "claim", "where", "tests"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
                    "claim": _SENTENCE,
                    "where": _TEXT,
                    "reading": _SENTENCE,
                    "tests": _TESTS,
                    "because": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["claim", "tests"],
                        "properties": {"claim": _SENTENCE, "reading": _SENTENCE, "tests": _TESTS},
                    },
                },
            },
        }
    },
}
