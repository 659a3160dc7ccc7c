"""Which column is the text, which the label, and which the split."""

import pytest

from finetone.errors import UserError
from finetone.proposal.looking.columns import Roles, roles
from tests.proposing import texts

N = 60
TEXTS, IDS = texts(N), [f"u{i}" for i in range(N)]
NAMES = ["bad", "good"] * (N // 2)
STARS = [str(1 + i % 5) for i in range(N)]
SHORT = [f"Title {i} of it" for i in range(N)]
PARTS = ["train"] * 40 + ["test"] * 20
DATES = [f"2020-01-{1 + i % 28:02}" for i in range(N)]


@pytest.mark.parametrize(
    ("head", "text", "label"),
    [
        ({"text": TEXTS, "label": NAMES}, "text", "label"),
        ({"": IDS, "date": DATES, "review_body": TEXTS, "starRating": STARS}, "review_body", "starRating"),
        ({"title": SHORT, "a": TEXTS, "b": NAMES}, "a", "b"),
        ({"Bewertung": STARS, "Kommentar": TEXTS, "Sprache": ["de"] * N}, "Kommentar", "Bewertung"),
        ({"评论": ["很好看的电影" + t for t in TEXTS], "情感": NAMES}, "评论", "情感"),
        ({"review": SHORT, "notes_of_the_editor": TEXTS, "class": NAMES}, "review", "class"),
        ({"url": [f"https://x.org/{i}" for i in range(N)], "tweet": SHORT, "lang": ["en", "de"] * 30, "mood": NAMES}, "tweet", "mood"),
        ({"text": TEXTS, "label": ["neg"] * N, "source": NAMES}, "text", "label"),  # sorted by label
        ({"text": TEXTS, "sentiment": [str(i / 10 - 3) for i in range(N)]}, "text", "sentiment"),
        ({"text": ["good", "bad"], "mood": ["1", "0"]}, "text", "mood"),
        ({"text": TEXTS, "label": STARS, "rating": STARS}, "text", "label"),
        ({"0": TEXTS, "1": NAMES}, "0", "1"),  # as pandas writes them
    ],
)  # fmt: skip
def test_columns_are_known_by_name_and_content(head, text, label):
    found = roles(head, None, None, "x.csv")
    assert (found.text, found.labels[0]) == (text, label)


def test_what_the_user_says_decides():
    head = {"text": TEXTS, "label": NAMES, "title": SHORT, "stars": STARS}
    assert roles(head, None, None, "x.csv") == Roles("text", ["label", "stars"], [], ["title"])
    assert roles(head, "title", "stars", "x.csv") == Roles("title", ["stars"], [], ["text"])


def test_a_column_of_splits_is_no_label():
    head = {"text": TEXTS, "part": PARTS, "topic": NAMES}
    found = roles(head, None, None, "x.csv")
    assert (found.labels, found.parts) == (["topic"], ["part"])
    odd = {**head, "part": [*PARTS[:-3], "unsup", "extra", ""]}
    assert roles(odd, None, None, "x.csv").parts == ["part"]


@pytest.mark.parametrize(
    ("head", "options", "told"),
    [
        ({"text": TEXTS, "label": NAMES}, ("txt", None), "--text 'txt' is no column of it; did you mean 'text'"),
        ({"text": TEXTS, "label": NAMES}, (None, "moood"), "--label 'moood' is no column of it; there are 'text', 'label'"),
        ({"text": TEXTS, "label": NAMES}, ("text", "text"), "--label 'text' is the column of the text already"),
        ({"a": STARS, "b": IDS}, (None, None), r"no column looks like texts; name it: --text COLUMN \(there are 'a', 'b'\)"),
        ({"text": TEXTS, "user": IDS}, (None, None), r"no column looks like labels of the texts in 'text'; .*\(there are 'user'\)"),
        ({"text": TEXTS, "label": TEXTS}, ("text", None), "no column looks like labels"),
        ({"fine film": SHORT, "good": NAMES}, (None, None), r"its first line is a row, .*\('fine film', 'good'\)"),
        ({"a film that was not so good": SHORT, "x": NAMES}, (None, None), "its first line is a row"),
        ({"some": SHORT, "5": STARS}, (None, None), "its first line is a row"),
        ({"no comment": SHORT, "good": NAMES}, (None, None), "its first line is a row"),
        ({"a film review that was not so good": SHORT, "x": NAMES}, (None, None), "its first line is a row"),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_asked_for(head, options, told):
    with pytest.raises(UserError, match=f"^x.csv: {told}"):
        roles(head, *options, "x.csv")


def test_names_of_several_words_are_no_row():
    head = {"Review Text": TEXTS, "2021": STARS, "star rating": STARS}
    assert roles(head, None, None, "x.csv").text == "Review Text"
