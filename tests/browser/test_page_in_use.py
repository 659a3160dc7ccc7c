"""What a reader does with the page: find the way, compare methods, take things out."""

import hashlib
import shutil
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.browser.chromium import BINARY, Chromium

pytestmark = pytest.mark.skipif(BINARY is None, reason="Chromium is not installed")

AXE = "axe-core@4.10.3"
AXE_SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
CHIP = "document.querySelectorAll('.find button[data-method]')[%d]"
BACK = "[...document.querySelectorAll('#table-ranking tbody tr.back')].map((r) => r.dataset.method)"
TAKE = """
new Promise((done) => {
  Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => done(text)}});
  document.querySelector("#table-ranking .copy-table[data-as='%s']").click(); })
"""
SAVE = """
new Promise((done) => {
  HTMLAnchorElement.prototype.click = function () { done([this.download, this.href]); };
  document.querySelector("figure[data-name='methods'] .save[data-as='%s']").click(); })
"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script that finds what screen readers and keyboards cannot use."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "pack", "--silent", AXE]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"npm cannot get {AXE}")
    archive = folder / found.stdout.split()[-1]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == AXE_SHA256
    with tarfile.open(archive) as files:
        member = files.extractfile("package/axe.min.js")
        assert member
        return member.read().decode()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh", "dark")])
def test_nothing_serious_stands_in_the_way_of_anyone(
    language: str, scheme: str, browser: Chromium, pages: dict[str, Path], axe: str
) -> None:
    browser.open(pages[language], scheme=scheme)
    browser.ask(axe + "; true")
    found = browser.ask(
        "axe.run().then((r) => r.violations.map((v) => [v.impact, v.id, v.help, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200))]))"
    )
    assert [each for each in found if each[0] in ("serious", "critical")] == []


def test_the_first_screen_answers(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    card = browser.ask("document.querySelector('.verdict').innerText")
    for part in ("RECOMMENDED", "MiniLM-L6", "90.8", "89.6–92.1", "How sure", "Cost", "What next"):
        assert part in card
    assert browser.ask("document.querySelector('.verdict').getBoundingClientRect().bottom") < 700
    assert browser.ask("document.querySelector('#table-ranking').getBoundingClientRect().top") < 900


def test_highlighted_methods_stand_out_everywhere(
    browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.open(pages["en"])
    assert browser.ask(BACK) == []
    browser.ask(CHIP % 1 + ".click()")
    name = browser.ask(CHIP % 1 + ".dataset.method")
    others = browser.ask(BACK)
    assert len(others) == 7 and name not in others
    label = "[...document.querySelectorAll('figure svg text')].find((t) => t.textContent === %r)"
    assert browser.ask(label % "VADER lexicon" + ".classList.contains('back')")
    assert not browser.ask(label % "MiniLM-L3" + ".classList.contains('back')")
    curves = "[...document.querySelectorAll(\"figure[data-name^='curves/']:not([hidden])\")].length"
    assert browser.ask(curves) == 1
    browser.ask("document.querySelector('.find .all').click()")
    assert browser.ask(BACK) == [] and browser.ask(curves) == 3


def test_search_narrows_the_methods(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    browser.ask(
        "(() => { const box = document.querySelector('.find input'); box.value = 'l3';"
        " box.dispatchEvent(new Event('input')); })()"
    )
    shown = "[...document.querySelectorAll('.find button[data-method]:not([hidden])')]"
    assert browser.ask(shown + ".map((chip) => chip.dataset.title)") == ["MiniLM-L3"]


def test_columns_appear_on_request(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    heads = (
        "[...document.querySelectorAll('#table-ranking th')].filter((th) => !th.hidden)"
        ".map((th) => th.querySelector('button').textContent)"
    )
    before = browser.ask(heads)
    assert "Macro-F1 (%)" not in before
    browser.ask(
        "[...document.querySelectorAll('#table-ranking label')]"
        ".find((label) => label.textContent.includes('Macro-F1')).click()"
    )
    assert sorted(browser.ask(heads)) == sorted([*before, "Macro-F1 (%)"])


def test_a_method_opens_what_is_known_of_it(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    browser.ask("document.querySelector('#table-ranking button.name').click()")
    panel = "document.querySelector('.panel:popover-open')"
    text = browser.ask(panel + ".innerText")
    for part in (
        "MiniLM-L6",
        "learning rate 2e-5",
        "Movie snippets",
        "pipeline(",
        "finetone label",
    ):
        assert part in text
    browser.press("Escape", 27)
    assert browser.ask(panel) is None


def test_headings_explain_themselves(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    button = "document.querySelectorAll('#table-ranking th button')[4]"
    tip = f"document.getElementById({button}.getAttribute('aria-describedby'))"
    visibility = f"getComputedStyle({tip}).visibility"
    assert browser.ask(visibility) == "hidden"
    browser.ask(button + ".focus({focusVisible: true})")
    assert browser.ask(visibility) == "visible"
    assert "practically equal" in browser.ask(tip + ".textContent")


def test_a_closed_section_opens_for_a_link_to_it(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    part = "document.querySelector('#transfer details.part')"
    browser.ask(part + ".open = false")
    browser.ask("location.hash = 'transfer'")
    browser.ask("new Promise((done) => setTimeout(done, 100))")
    assert browser.ask(part + ".open") is True


def test_tables_leave_as_markdown_and_latex(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    lines = browser.ask(TAKE % "markdown").split("\n")
    assert lines[0].startswith("| Rank | Method | Accuracy (%) |")
    assert lines[1].startswith("| --- | --- |") and len(lines) == 10
    assert "90.8 89.6–92.1" in lines[2]
    browser.open(pages["en"])
    lines = browser.ask(TAKE % "latex").split("\n")
    assert lines[0].startswith("\\begin{tabular}{l") and lines[-1] == "\\end{tabular}"
    assert lines[2].startswith("Rank & Method & Accuracy (\\%) &")


def test_pictures_leave_as_files(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["en"])
    name, url = browser.ask(SAVE % "svg")
    assert name == "methods.svg"
    root = ET.fromstring(unquote(url.partition(",")[2]))
    assert root.tag.endswith("svg") and "var(" not in ET.tostring(root, "unicode")
    browser.open(pages["en"])
    name, url = browser.ask(SAVE % "png")
    assert name == "methods.png" and url.startswith("data:image/png;base64,")
    assert len(url) > 20_000
