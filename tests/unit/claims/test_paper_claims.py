"""The claims of the original study are complete, as they stand in config/paper."""

from pathlib import Path

import pytest
import yaml

from finetone.claims.claims_file import read_claims

PAPER = Path(__file__).parents[3] / "config/paper"
CLAIMS = {claim["id"]: claim for claim in read_claims(PAPER / "claims.yaml")}
# where its text claims something, and the claims of that place; * where a reason is given as well
PLACES = {
    "四.1(i)": "C1*",
    "四.1(ii)": "C2 C3",
    "四.1(iii)": "C4 C5 C6 C7 C8*",
    "四.2(i)": "C9",
    "四.2(ii)": "C10 C11 C12",
    "四.2(iii)": "C13 C14 C15",
    "四.3(i)": "C16",
    "四.3(ii)": "C17* C18*",
    "四.4": "C19 C20 C21",
    "四.5(i)": "C22 C23",
    "四.5(ii)": "C24",
    "四.6(i)": "C25 C26",
    "四.6(ii)": "C27*",
    "四.6(iii)": "C28",
    "四.6(iv)": "C29*",
    "四.6(v)": "C30",
    "五.1": "C31 C32 C33 C36",
    "五.2": "C34 C35 C36",
    "五.3": "C25 C26 C37 C38",
    "五.4": "C28",
    "五.5": "C30",
}


def test_every_place_that_claims_something_is_there() -> None:
    found: dict[str, list[str]] = {}
    for name, claim in CLAIMS.items():
        for place in claim["where"].split(", "):
            found.setdefault(place, []).append(name + "*" * ("because" in claim))
    assert {place: " ".join(names) for place, names in found.items()} == PLACES


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_and_reason_says_how_it_is_read_in_both_languages(name: str) -> None:
    claim = CLAIMS[name]
    for each in filter(None, (claim, claim.get("because"))):
        for text in (each["claim"], each["reading"], each.get("note")):
            assert text is None or (text["en"].isascii() and not text["zh"].isascii())


def test_models_that_the_study_does_not_speak_of_take_no_part() -> None:
    """ERNIE 3.0 medium was added later: no claim about all models, or the Chinese ones, is about it."""
    text = yaml.safe_dump(list(CLAIMS.values()), width=10_000, default_flow_style=True)
    groups = text.count("group: {pretrained: true}") + text.count("language: zh}")
    assert groups > 5 and text.count("except: [ernie-3.0-medium-zh]") == groups
