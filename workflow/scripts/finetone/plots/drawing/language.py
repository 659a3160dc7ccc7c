"""Labels in the language of the page."""

from functools import cache
from pathlib import Path

from finetone import own_yaml
from finetone.errors import UserError

LANGUAGES = ("en", "zh")


@cache
def words(folder: Path, language: str) -> dict[str, str]:
    """Read the dictionary `folder/<language>.yaml`.

    Raises
    ------
    UserError
        The language is not offered.
    """
    if language not in LANGUAGES:
        raise UserError(
            f"config: report: language is {language!r}; choose one of {', '.join(LANGUAGES)}"
        )
    return dict(own_yaml.read(folder / f"{language}.yaml"))


def labels_in(language: str) -> dict[str, str]:
    """Labels of the pictures in a language, by key."""
    return words(Path(__file__).parent / "labels", language)
