"""study.yaml: what a publication states of its configuration, why we chose the rest, and what we learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetone.errors import UserError, did_you_mean
from finetone.files import write_json
from finetone.provenance import Provenance, keys_of
from finetone.published.reading import read_csv, read_yaml
from finetone.reproduction.choices import Choices

Sentence = Mapping[str, str]
"""{language: text}"""

_TEXT = {"type": "string", "minLength": 1}
_SENTENCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["en", "zh"],
    "properties": {"en": _TEXT, "zh": _TEXT},
}
_SENTENCES = {"type": "array", "minItems": 1, "items": _SENTENCE}
LISTS = ("easy", "hard", "limits")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reference": _TEXT,
        "scope": _SENTENCE,
        "conclusions": {"type": "array", "minItems": 1, "items": _TEXT, "uniqueItems": True},
        **dict.fromkeys(LISTS, _SENTENCES),
        "states": {"type": "object", "minProperties": 1},
        "choices": {"type": "object", "additionalProperties": _SENTENCE},
    },
}


@dataclass(frozen=True)
class Study:
    """The keys of study.yaml; docs/published-table.md says what each is.

    Attributes
    ----------
    reference
        The method that times are relative to.
    scope, easy, hard, limits
        Parts of the reproduction report.
    conclusions
        Ids of the claims that the page opens with.
    states
        {key of the configuration: value}, as `choices.choices` names them.
    choices
        {key: why we chose as we did}.
    """

    reference: str = ""
    scope: Sentence = field(default_factory=dict)
    conclusions: tuple[str, ...] = ()
    easy: tuple[Sentence, ...] = ()
    hard: tuple[Sentence, ...] = ()
    limits: tuple[Sentence, ...] = ()
    states: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sentence] = field(default_factory=dict)


def read_study(folder: Path) -> Study:
    """Read the file study.yaml of a published folder; nothing is stated where there is none.

    Raises
    ------
    UserError
        It violates the schema.
    """
    path = folder / "study.yaml"
    if not path.exists():
        return Study()
    content = read_yaml(path, SCHEMA)
    return Study(**content | {key: tuple(content.get(key, ())) for key in ("conclusions", *LISTS)})


def check_study(folder: Path, known: Choices, methods: list[str]) -> None:
    """Refuse keys and methods that no configuration has.

    Parameters
    ----------
    folder
        Of the publication.
    known
        The choices of the configuration.
    methods
        The configured methods.

    Raises
    ------
    UserError
        A key is in no configuration, a conclusion is no claim, or the reference is no method,
        configured or published.
        (Datasets and baselines that an overlay took away may be named.)
    """
    study, path = read_study(folder), folder / "study.yaml"
    for part in ("states", "choices"):
        for key in getattr(study, part):
            kind, _, rest = key.partition(".")
            gone = kind in ("datasets", "baselines") and not any(
                each.startswith(f"{kind}.{rest.split('.')[0]}") for each in known
            )
            # of models only what some of them have is listed
            if key not in known and not gone and kind != "models":
                hint = did_you_mean(key, list(known))
                raise UserError(f"{path}: {part}: no choice {key!r} in the configuration{hint}")
    ids = _claims(folder) if study.conclusions else []
    for each in study.conclusions:
        if each not in ids:
            hint = did_you_mean(each, ids)
            raise UserError(f"{path}: conclusions: no claim {each!r} in claims.yaml{hint}")
    if study.reference and study.reference not in methods:
        printed = {row["model"] for _, row in read_csv(folder / "published.csv", ["model"])}
        if study.reference not in printed:
            raise UserError(
                f"{path}: reference: no method {study.reference!r} in the config or the published "
                "table"
            )


def _claims(folder: Path) -> list[str]:
    """Ids in claims.yaml, which is checked as a whole when its claims are judged."""
    content = read_yaml(folder / "claims.yaml")
    listed = content.get("claims") if isinstance(content, dict) else None
    claims = [claim for claim in listed if isinstance(claim, dict)] if listed else []
    return [str(claim.get("id", "")) for claim in claims]


def write_study(folder: Path, target: Path, provenance: Provenance) -> None:
    """Write the parts of the reproduction report that are not computed: study.json."""
    study = read_study(folder)
    parts = {key: getattr(study, key) for key in ("scope", "conclusions", *LISTS)}
    write_json(target, keys_of(provenance) | parts)
