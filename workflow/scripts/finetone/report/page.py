"""Write the report."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from finetone import __version__, checks
from finetone.errors import UserError
from finetone.files import atomic, read_json
from finetone.formats.token_file import read_meta
from finetone.plots.drawing.fitting import one_line
from finetone.plots.drawing.language import words
from finetone.plots.drawing.read_table import read
from finetone.plots.drawing.style import Style
from finetone.provenance import check_csv
from finetone.report.colour import dark
from finetone.report.elements import Maker, Section
from finetone.report.inputs import ReportInputs
from finetone.report.method_panel import Panel, panels
from finetone.report.picture import Picture, read_picture
from finetone.report.sections.answer_section import answer
from finetone.report.sections.calibration_section import calibration
from finetone.report.sections.details_section import baselines, cost, errors
from finetone.report.sections.exports_section import exports
from finetone.report.sections.findings_section import curves, epochs, ranking, transfer
from finetone.report.sections.learning_curve_section import learning_curve
from finetone.report.sections.origins_section import data, provenance, what_was_run
from finetone.report.sections.planning_section import planning
from finetone.report.sections.probes_section import probes
from finetone.report.sections.tuning_section import tuning
from finetone.report.study.opening import Tallies, claims, study, tallies
from finetone.report.study.printed_section import published
from finetone.report.verdict_card import Verdict, verdict

HERE = Path(__file__).parent
_UNIT = re.compile(r"(?<=\d) (?=[%kMGT](?!\w))")
SECTIONS = (
    study,
    claims,
    published,
    ranking,
    curves,
    epochs,
    transfer,
    probes,
    baselines,
    cost,
    exports,
    tuning,
    learning_curve,
    planning,
    calibration,
    errors,
    data,
    provenance,
)


def write_report(inputs: ReportInputs, style: Style, target: Path) -> None:
    """Write one self-contained HTML page: it loads nothing, and the same inputs give the same bytes.

    Texts of the data are shown, so everything is escaped, and a content security policy allows only
    the one script of the page.

    Parameters
    ----------
    inputs
        The files to show.
    style
        Titles and colours, and the language.
    target
        The HTML file to write.

    Raises
    ------
    UserError
        There is no ranking of the source dataset, or a table was altered.
    """
    if "ranking" not in inputs.tables:
        raise UserError("report: tables must hold 'ranking'; make tables/ranking.csv first")
    for table in inputs.tables.values():  # also those that are shown only as a hash
        check_csv(table)
    source = inputs.config["source"]
    labels = _labels(style.language, inputs.config)
    columns = ["method", "rank", "metric", "score", "low", "high", "group"]
    ranks = read(inputs.tables["ranking"], columns, source)
    efficiency, variance = inputs.tables.get("efficiency"), inputs.tables.get("variance")
    pictures = {
        name: read_picture(name, path, inputs.remake(path)) for name, path in inputs.figures.items()
    }
    maker = Maker(inputs, style, labels, pictures, [read_json(run) for run in inputs.runs])
    sections = [section for make in SECTIONS if not (section := make(maker)).empty]
    ranked = answer(
        ranks,
        read(efficiency, ["method"]) if efficiency else None,
        style,
        labels,
        read(variance, ["seconds_per_seed"], source) if variance else None,
        maker.rows("recommendation"),
        inputs.config.get("compare", {}).get("margin", 1.0),
    )
    write_page(
        target,
        labels,
        style.language,
        title=one_line(inputs.config.get("title") or "") or inputs.config["experiment"],
        answer=ranked,
        facts=what_was_run(maker),
        sections=sections,
        verdict=verdict(maker),
        check_first=_checks(maker),
        panels=panels(maker),
        tallies=tallies(maker),
        pictures=pictures.values(),
        command=inputs.remake(target),
    )


def _checks(maker: Maker) -> list[str]:
    """What should be checked before the answer is followed, with the key that changes it."""
    inputs, style = maker.inputs, maker.style
    evidence = checks.Evidence(
        {name: maker.read(name) for name in checks.TABLES},
        audits=[read_json(path) for path in inputs.audits],
        runs=maker.runs,
        models=[read_json(path) for path in inputs.models],
        tokens={name: read_meta(path) for name, path in inputs.tokens.items()},
    )
    return [
        check.sentence(style.language, style) + f" [{check.config_key}]" * bool(check.config_key)
        for check in checks.find(evidence)
    ]


def _labels(language: str, config: Mapping[str, Any]) -> Mapping[str, str]:
    """Labels of the page; with cross-validation, `<key>_folds` in place of `<key>`."""
    labels = words(HERE / "translations", language)
    split = config.get("datasets", {}).get(config["source"], {}).get("split") or {}
    if not split.get("folds"):
        return labels
    facts = {"folds": split["folds"], "repeats": split.get("repeats", 1)}
    found = {key: text for key, text in labels.items() if key.endswith("_folds")}
    named = {key.removesuffix("_folds"): text for key, text in found.items()}
    return labels | named | {"cross_validated": labels["cross_validated"].format(**facts)}


def write_page(
    target: Path,
    labels: Mapping[str, str],
    language: str,
    *,
    title: str,
    answer: Iterable[str],
    facts: Iterable[tuple[str, str]],
    sections: Sequence[Section],
    verdict: Verdict | None = None,
    check_first: Sequence[str] = (),
    panels: Sequence[Panel] = (),
    tallies: Tallies | None = None,
    pictures: Iterable[Picture] = (),
    command: str,
) -> None:
    """Write a self-contained HTML page of sections.

    Parameters
    ----------
    target
        The HTML file to write.
    labels, language
        Of the page.
    title, answer, facts
        What its head says: sentences, and (term, text).
    sections
        Its sections; the first one begins with its first table and picture.
    verdict, check_first
        The recommendation, and sentences on what should be checked before it is followed.
    panels
        What is known of each method.
    tallies
        Of the claims of a published experiment, shown at the top.
    pictures
        All pictures, for their colours.
    command
        How it is made again.
    """
    script = _joined("page.js", "explore.js")
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    page = environment.get_template("page.html.j2").render(
        # with a dictionary, labels.copy in a template would be its method
        labels=SimpleNamespace(**labels),
        language={"en": "en", "zh": "zh-CN"}[language],
        title=title,
        answer=[unbroken(sentence) for sentence in answer],
        facts=facts,
        sections=sections,
        verdict=verdict,
        checks=check_first,
        panels=panels,
        tallies=tallies,
        methods=[(panel.method, panel.title, panel.colour) for panel in panels],
        colours=_colours(pictures, sections, panels),
        # our own files, not data, so they are not escaped
        css=Markup(_joined("page.css", "study.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        command_all=command,
        version=__version__,
    )
    with atomic(target) as partial:
        partial.write_text(page, encoding="utf-8", errors="replace")


def unbroken(text: str) -> str:
    """The text, in which no line begins with a percent sign or the unit of a number: 22.7 M, 3.8 k.

    Parameters
    ----------
    text
        Plain text.
    """
    return _UNIT.sub("\u00a0", text)


def _joined(*names: str) -> str:
    """The content of some files beside the templates."""
    return "".join((HERE / "templates" / name).read_text(encoding="utf-8") for name in names)


def _colours(
    pictures: Iterable[Picture], sections: Sequence[Section], panels: Sequence[Panel]
) -> list[tuple[str, str, str]]:
    """(name, light, dark) of every colour that a figure or a method's swatch uses."""
    used = {colour for picture in pictures for colour in picture.colours}
    used |= {panel.colour for panel in panels}
    for section in sections:
        shown = [*section.tables, *(section.opening.deviations if section.opening else ())]
        for table in shown:
            used |= {cell.colour for row in table.rows for cell in row if cell.colour}
    return [(colour[1:], colour, dark(colour)) for colour in sorted(used)]
