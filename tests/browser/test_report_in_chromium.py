"""The page as a reader meets it: opened from disk in a real browser."""

import itertools
from pathlib import Path

import pytest

pytest.importorskip("websockets", reason="the browser is driven over a web socket (websockets)")

from tests.browser.chromium import BINARY, Chromium

pytestmark = pytest.mark.skipif(BINARY is None, reason="Chromium is not installed")

LANGUAGES = ("en", "zh")
TEXTS = {"en": ("Ranking", "test accuracy (%)"), "zh": ("排名", "测试准确率（%）")}
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}

# Pictures of no size, without visible marks, or with text that would run out of its drawing
BAD_PICTURES = """
[...document.querySelectorAll('figure svg')].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  const name = svg.querySelector('title').textContent;
  const marks = [...svg.querySelectorAll('path, use')].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width + box.height > 0 && !part.closest('.paper, defs');
  });
  const outside = [...svg.querySelectorAll('text')].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  });
  const found = outside.map((text) => `${name}: clipped ${text.textContent}`);
  if (frame.width < 200 || frame.height < 100) found.push(`${name}: too small`);
  if (marks.length < 10) found.push(`${name}: ${marks.length} marks`);
  return found;
})
"""
WIDER_THAN_PAGE = """
[...document.body.querySelectorAll('*')]
  .filter((part) => !part.parentElement.closest('.scroll, svg') && !part.matches('.skip'))
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 0.5)
  .map((part) => part.outerHTML.slice(0, 80))
"""
COLUMN = """
[...document.querySelectorAll('#table-ranking tbody tr')].map((row) => row.cells[%d].dataset.sort)
"""


@pytest.mark.parametrize(
    ("language", "width", "scheme"), list(itertools.product(LANGUAGES, (375, 1440), PAPER))
)
def test_the_page_renders(
    language: str, width: int, scheme: str, browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.open(pages[language], width, scheme=scheme)
    assert browser.complaints == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in browser.requests if url.startswith("file:")]) == 1  # the page itself
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask(WIDER_THAN_PAGE) == []
    drawn = list((pages[language].parent / "figures").rglob("*.svg"))
    assert browser.ask("document.querySelectorAll('figure svg').length") == len(drawn) > 14
    assert browser.ask(BAD_PICTURES) == []
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == PAPER[scheme]
    text = browser.ask("document.body.textContent")
    for expected in TEXTS[language]:
        assert expected in text


FIGURE = "document.querySelector(\"figure[data-name='%s']\")"


@pytest.mark.parametrize("name", ["methods", "comparisons"])
def test_a_phone_shows_whole_figures_and_enlarges_them(
    name: str, browser: Chromium, pages: dict[str, Path]
) -> None:
    """Cut off at the right edge, the winner of the score figure could not be seen."""
    browser.open(pages["en"], 375)
    figure = FIGURE % name
    browser.ask("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    width = figure + ".querySelector('svg').getBoundingClientRect().width"
    assert browser.ask(width) <= 375
    browser.ask(figure + ".querySelector('.enlarge').click()")
    drawn = browser.ask("parseFloat(" + figure + ".querySelector('svg').style.width)")
    assert browser.ask(width) == pytest.approx(drawn) and drawn > 400
    assert browser.ask("document.documentElement.scrollWidth") == 375
    browser.open(pages["en"], 1440)
    assert browser.ask(figure + ".querySelector('.enlarge').hidden")


def test_texts_of_rows_ran_nothing(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    assert browser.ask("document.title") == "Invented: models on movie snippets"
    assert "<script>document.title=" in browser.ask("document.body.innerText")


def test_tables_sort_both_ways_with_the_keyboard(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    accuracy = [float(x) for x in browser.ask(COLUMN % 2)]
    assert accuracy == sorted(accuracy, reverse=True)
    head = "document.querySelectorAll('#table-ranking th')[%d]"
    browser.ask(head % 2 + ".querySelector('button').focus()")
    browser.press("Enter", 13)
    assert browser.ask(head % 2 + ".getAttribute('aria-sort')") == "descending"
    browser.press("Enter", 13)
    assert browser.ask(head % 2 + ".getAttribute('aria-sort')") == "ascending"
    assert [float(x) for x in browser.ask(COLUMN % 2)] == sorted(accuracy)
    # text sorts as text, and the mark moves to the column sorted by
    browser.ask(head % 1 + ".querySelector('button').click()")
    names = browser.ask(COLUMN % 1)
    assert names == sorted(names, key=str.lower)
    assert browser.ask(head % 2 + ".hasAttribute('aria-sort')") is False
    # the best method has no distance to itself: empty cells stay last in either direction
    for _ in range(2):
        browser.ask(head % 3 + ".querySelector('button').click()")
        assert browser.ask(COLUMN % 3)[-1] == ""


def test_the_theme_button_turns_the_whole_page(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"], scheme="light")
    label = (
        "getComputedStyle([...document.querySelectorAll('figure svg text')]"
        ".find((text) => text.textContent === 'MiniLM-L6')).fill"
    )
    before = browser.ask(label)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == PAPER["dark"]
    assert browser.ask("document.getElementById('theme').ariaPressed") == "true"
    assert browser.ask(label) != before
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == PAPER["light"]
    assert browser.ask(label) == before
    browser.ask("localStorage.clear()")


def test_tables_are_copied_as_tab_separated_text(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    copied = browser.ask(
        "new Promise((done) => {"
        "  const clipboard = {writeText: async (text) => done(text)};"
        "  Object.defineProperty(navigator, 'clipboard', {value: clipboard});"
        "  document.querySelector('#table-ranking .copy-table').click(); })"
    )
    lines = [line.split("\t") for line in copied.split("\n")]
    assert lines[0][:3] == ["Rank", "Method", "Accuracy (%)"]
    assert len(lines) == 9
    assert {len(line) for line in lines} == {len(lines[0])}
    assert browser.ask("document.getElementById('said').textContent") == "copied"


def test_the_keyboard_reaches_the_results_first(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("document.activeElement.getBoundingClientRect().left >= 0")
    unnamed = browser.ask(
        "[...document.querySelectorAll('button, a, [role=group], [role=img]')].filter((part) =>"
        " !(part.textContent.trim() || part.ariaLabel)).length"
    )
    assert unnamed == 0


def test_the_page_prints(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"], scheme="dark")
    pdf = browser.print()
    assert pdf.startswith(b"%PDF")
    assert 3 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 40
