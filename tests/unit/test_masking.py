"""Passwords and tokens are masked everywhere; everything else stays as it is."""

import logging
from pathlib import Path

import pytest

from finetone.errors import UserError, first_line
from finetone.log import MaskedRecord
from finetone.masking import mask

TOKEN = "hf_" + "aZ09" * 8


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HTTPS_PROXY", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("at http://anna:secret@hub:80/x.", "at http://***@hub:80/x."),
        ("HTTPS://a:b@h and ftp://c:d@i", "HTTPS://***@h and ftp://***@i"),
        ("'https://anna:p@ss:w@host/'", "'https://***@host/'"),
        ("https://token@host/simple", "https://***@host/simple"),
        (f"header b'Bearer {TOKEN}\\n'", "header b'Bearer ***\\n'"),
        ("https://h/x?a=1&token=abc&b=2", "https://h/x?a=1&token=***&b=2"),
        ("https://h/x?X-Amz-Signature=0f&Key=9'", "https://h/x?X-Amz-Signature=***&Key=***'"),
    ],
)
def test_what_looks_like_a_secret(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "datasets.a.hub.id: no dataset 'owner/name' on the hub, or it is private (set HF_TOKEN)",
        "ask anna@example.org about https://host/a@b?page=2",
        "/home/anna/data/x.csv, line 3: has 1 fields",
        "token id 7 but the model knows only 5; key=3",
        "",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("HF_TOKEN", "my-own-token", "my-own-token"),
        ("HUGGING_FACE_HUB_TOKEN", "abcd", "abcd"),
        ("HF_ENDPOINT", "http://anna:se%2Fcret@hub", "se%2Fcret"),
        ("HF_ENDPOINT", "http://anna:se%2Fcret@hub", "se/cret"),
        ("HF_ENDPOINT", "http://anna:front/back@hub", "front"),
        ("https_proxy", "http://anna:secret@proxy:8080", "secret"),
        ("HTTPS_PROXY", "anna:secret@proxy:8080", "secret"),
        ("PIP_INDEX_URL", "https://0123456789abcdef@index/simple", "0123456789abcdef"),
        ("PIP_EXTRA_INDEX_URL", "https://a:one1@x https://a:two2@y", "two2"),
    ],
)
def test_what_the_environment_holds_is_masked_anywhere(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: str
) -> None:
    monkeypatch.setenv(name, value)
    assert mask(f"refused '{secret}': no") == "refused '***': no"
    assert mask(f"it is {value}!").count(secret) == 0


def test_a_short_password_is_not_cut_out_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://anna:data@hub")
    assert mask("datasets.x.hub: anna, data?") == "datasets.x.hub: anna, ***?"


def test_sentences_are_masked_where_they_are_made() -> None:
    assert str(UserError("no answer of http://a:secret@hub")) == "no answer of http://***@hub"
    long = "x" * 190 + " http://a:secret@hub"
    assert "secr" not in first_line(ValueError(long))


def test_records_of_any_logger_and_their_tracebacks_are_masked(tmp_path: Path) -> None:
    assert logging.getLogRecordFactory() is MaskedRecord
    handler = logging.FileHandler(tmp_path / "log")
    other = logging.getLogger("some.library")
    other.addHandler(handler)
    other.warning("trying %s again in %d s", "http://a:secret@hub", 3)
    try:
        raise ValueError("http://a:secret@hub")
    except ValueError:
        other.exception("gave up")
    finally:
        other.removeHandler(handler)
    text = (tmp_path / "log").read_text()
    assert "trying http://***@hub again in 3 s" in text
    assert "Traceback" in text and "ValueError: http://***@hub" in text
    assert "secret" not in text
