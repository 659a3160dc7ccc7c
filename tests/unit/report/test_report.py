"""The page: one file, complete, escaped, with an answer that follows from the tables."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from finetone import numbers, report
from finetone.errors import UserError
from finetone.formats.csv_table import read_csv, write_csv
from finetone.plots.comparisons import draw_comparisons
from finetone.plots.curve import draw_curve
from finetone.plots.drawing.language import words
from finetone.plots.drawing.style import PALETTE, Style
from finetone.plots.small_multiples import draw_lengths, draw_reliability
from finetone.published.table_audit import audit_table
from finetone.report import ReportInputs, write_report
from finetone.report.colour import dark
from finetone.report.picture import read_picture
from finetone.report.sections.answer_section import answer
from finetone.report.sections.origins_section import _licence, _new_weights
from tests.unit.contrast import contrast
from tests.unit.synthetic_results import (
    HOSTILE,
    Experiment,
    draw_all,
    report_inputs,
    write_experiment,
)

TRANSLATIONS = Path(report.__file__).parent / "translations"
SAY = words(TRANSLATIONS, "en")


class Page(HTMLParser):
    """Ids, links and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.urls: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key in ("href", "src", "xlink:href", "action", "srcset"):
                self.urls.append(value or "")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return write_experiment(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def figures(experiment: Experiment) -> dict[str, Path]:
    return draw_all(experiment)


@pytest.fixture(scope="module")
def html(experiment: Experiment, figures: dict[str, Path]) -> str:
    target = experiment.folder / "report.html"
    write_report(report_inputs(experiment, figures), Style.from_config(experiment.config), target)
    return target.read_text("utf-8")


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    page = Page(html)
    assert [url for url in page.urls if not url.startswith(("#", "data:"))] == []
    assert not {"img", "iframe", "object", "embed", "form"} & set(page.tags)
    assert "@import" not in html
    assert "default-src 'none'" in html
    assert not re.search(r"url\((?!#)", html)


def test_ids_are_unique_and_every_reference_has_its_target(html: str) -> None:
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    used = {url[1:] for url in page.urls if url.startswith("#")}
    used |= set(re.findall(r"url\(#([^)]+)\)", html))
    used |= {i for group in re.findall(r'aria-labelledby="([^"]+)"', html) for i in group.split()}
    assert used <= set(page.ids)


def test_texts_of_rows_cannot_inject(html: str) -> None:
    assert HOSTILE not in html
    assert "&lt;script&gt;document.title=" in html
    assert Page(html).tags.count("script") == 1


def test_every_picture_is_inline_described_and_says_how_to_make_it_again(
    html: str, figures: dict[str, Path]
) -> None:
    told = "every figure is in a maker.show(…) of report/sections/"
    assert html.count('role="img"') == len(figures), told
    for path in figures.values():
        assert f"snakemake --cores 1 {path} --configfile config/invented.yaml" in html
    assert html.count("<desc ") == len(figures)


def test_every_table_brings_its_csv(html: str, experiment: Experiment) -> None:
    downloads = dict(re.findall(r'download="([^"]+)" href="data:text/csv[^,]*,([^"]+)"', html))
    expected = {path.name for path in (experiment.folder / "tables").glob("*.csv")}
    assert set(downloads) == expected - {"reliability.csv"}  # a picture, not a table
    for name, data in downloads.items():
        assert base64.b64decode(data) == experiment.table(name.removesuffix(".csv")).read_bytes()


def test_the_same_inputs_give_the_same_bytes(
    html: str, experiment: Experiment, figures: dict[str, Path], tmp_path: Path
) -> None:
    target = experiment.folder / "report.html"
    write_report(report_inputs(experiment, figures), Style.from_config(experiment.config), target)
    assert target.read_text("utf-8") == html


def test_what_was_run_stands_on_the_first_screen(html: str) -> None:
    head = html[html.index("<header>") : html.index("</header>")]
    for fact in ("2,400", "2,108", "Invented CPU @ 2.0 GHz", "min"):
        assert fact in head
    first = html[html.index('<section id="ranking"') :]
    assert "MiniLM-L6 comes first by accuracy" in first or "MiniLM-L6 is best" in first


@pytest.mark.parametrize(("seeds", "wide"), [(1, False), (2, True), (5, False)])
def test_the_note_on_differences_follows_the_number_of_seeds(
    experiment: Experiment, tmp_path: Path, seeds: int, wide: bool
) -> None:
    config = experiment.config | {"seeds": list(range(seeds))}
    inputs = ReportInputs(config=config, tables={"ranking": experiment.table("ranking")})
    write_report(inputs, Style.from_config(config), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert ("estimated from all methods" in page) == (seeds > 1)
    assert ("trained with one seed" in page) == (seeds == 1)
    assert (f"there are only {seeds} seeds" in page) == wide
    assert "80 % power" in page and "adjusted for all pairs)" in page


def test_what_would_settle_more_is_one_table_with_words_where_nothing_would(html: str) -> None:
    section = html[html.index('<section id="planning"') :]
    section = section[: section.index("</section>")]
    assert "Seeds, with 2,108 rows" in section and "1 min 12 s" in section
    assert section.count("out of reach") >= 4 and "nothing can be planned" not in section
    assert "planning.csv" in section and "variance.csv" in section


def test_one_seed_says_what_two_more_cost_and_plans_nothing(tmp_path: Path) -> None:
    single = write_experiment(tmp_path, seeds=1)
    ranking = pd.read_csv(single.table("ranking")).assign(group="")
    ranking.to_csv(single.table("ranking"), index=False)
    write_report(
        report_inputs(single, {}), Style.from_config(single.config), tmp_path / "report.html"
    )
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "nothing can be planned" in page and "out of reach" not in page
    variance = pd.read_csv(single.table("variance"))
    minutes = 2 * variance["seconds_per_seed"].sum() / 60
    assert f"about {numbers.significant(minutes, 2)} minutes" in page


def test_what_tuning_chose_and_what_more_labels_would_bring(html: str) -> None:
    section = html[html.index('<section id="tuning"') :]
    section = section[: section.index("</section>")]
    assert "tried 5 settings" in section and "(500 rows)" in section
    assert "stopped 8 trials early: 104 of 120 epochs were trained (13 % saved)" in section
    assert "at the edge" not in section and "diverged" not in section
    section = html[html.index('<section id="learning-curve"') :]
    section = section[: section.index("</section>")]
    assert "Another 1,000 labelled rows, beyond 2,400, would improve" in section
    assert "+0.4 points (+0.1 to +1.0)" in section
    assert "With fewer than about 510 rows (320 to 890)" in section
    assert "fewer than three different numbers of rows" in section


def test_leaked_rows_stand_in_the_data_section(html: str) -> None:
    section = html[html.index('<section id="data"') :]
    section = section[: section.index("</section>")]
    assert "Without leaked rows (%)" in section and "leaks.csv" in section


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_else_can_be_made_of_a_model_is_compared_with_it(
    tmp_path: Path, language: str
) -> None:
    experiment = write_experiment(tmp_path, language=language)
    frozen = {
        "model": "minilm-l6",
        "pooling": "mean",
        "layer": 6,
        "C": 0.001,
        "C_tried": {"1": 0.7},
    }
    for method, kind, recipe in (
        ("lexicon", "probe", frozen),
        ("tfidf", "ensemble", {"of": "minilm-l3", "seeds": [1, 2]}),
    ):
        run = next(tmp_path.glob(f"runs/{method}/*/run.json"))
        content = json.loads(run.read_text()) | {"kind": kind, "recipe": recipe}
        run.write_text(json.dumps(content))
    table = read_csv(experiment.table("baselines"))
    table.loc[table["method"] == "lexicon", "kind"] = "probe"
    table.loc[table["method"] == "tfidf", "kind"] = "ensemble"
    write_csv(table, experiment.table("baselines"))
    target = tmp_path / "report.html"
    write_report(report_inputs(experiment, {}), Style.from_config(experiment.config), target)
    html = target.read_text("utf-8")
    labels = words(TRANSLATIONS, language)
    section = html[html.index('id="probes"') :]
    section = section[: section.index("</section>")]
    assert labels["pooling_mean"] in section and "C = 0.001" in section
    pairs = read_csv(experiment.table("comparisons"))
    pairs = pairs[pairs["dataset"] == "movies"]
    for method, model in (("lexicon", "minilm-l6"), ("tfidf", "minilm-l3")):
        (pair,) = pairs[
            (pairs["a"].isin([method, model])) & (pairs["b"].isin([method, model]))
        ].to_dict("records")
        sign = 1 if pair["a"] == method else -1
        assert numbers.signed(sign * pair["difference"]) in section
    baselines = html[html.index('id="baselines"') :]
    baselines = baselines[: baselines.index("</section>")]
    assert "TF-IDF" not in re.sub('data:[^"]*', "", baselines) and "BiLSTM" in baselines


def test_an_experiment_without_probes_has_no_section_of_them(html: str) -> None:
    assert 'id="probes"' not in html


@pytest.mark.parametrize("doubtful", [0, 2])
def test_doubtful_timings_are_said_and_marked(
    experiment: Experiment, tmp_path: Path, doubtful: int
) -> None:
    table = read_csv(experiment.table("efficiency"))
    table["doubtful"] = np.arange(len(table)) < doubtful
    write_csv(table, tmp_path / "efficiency.csv")
    inputs = ReportInputs(
        config=experiment.config,
        tables={
            "ranking": experiment.table("ranking"),
            "efficiency": tmp_path / "efficiency.csv",
        },
    )
    write_report(inputs, Style.from_config(experiment.config), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    said = f"timings of {doubtful} of {len(table)} methods are unreliable"
    assert (said in page) == ("Timing unreliable" in page) == bool(doubtful)
    assert "Time per million texts" in page and "Prediction time (MiniLM-L6 = 1)" in page


def test_a_page_of_ranking_alone_is_whole(experiment: Experiment, tmp_path: Path) -> None:
    inputs = ReportInputs(config=experiment.config, tables={"ranking": experiment.table("ranking")})
    write_report(inputs, Style.from_config(experiment.config), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'id="ranking"' in page
    for absent in ("curves", "transfer", "published", "errors"):
        assert f'<section id="{absent}"' not in page
        assert f'href="#{absent}"' not in page


def test_without_ranking_there_is_no_page(experiment: Experiment, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    with pytest.raises(UserError, match=r"ranking\.csv"):
        write_report(ReportInputs(config=experiment.config, tables={}), Style(), target)
    assert not target.exists()


def test_the_audit_of_a_published_table_is_shown_where_there_is_one(
    experiment: Experiment, tmp_path: Path
) -> None:
    audit = tmp_path / "published_audit.json"
    finding = "16 of 42 accuracies cannot be k/5000 for any k."
    audit.write_text(
        json.dumps(
            {"schema_version": 1, "findings": [{"check": "granularity", "sentence": finding}]}
        )
    )
    claims = tmp_path / "claims.csv"
    claims.write_text(
        "id,claim,where,kind,verdict,effect,low,high,unit,seeds,rows,decidable,own_verdict\n"
        "C1,<i>larger</i>,section 4,difference,contradicted,-0.0213,-0.03,-0.01,,5,25000,yes,supported\n"
        "C2,open,section 4,difference,undecided,,,,,,,no,\n"
    )
    inputs = report_inputs(experiment, {}, published_audit=audit)
    inputs = ReportInputs(**{**vars(inputs), "tables": {**inputs.tables, "claims": claims}})
    write_report(inputs, Style.from_config(experiment.config), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert finding in page[page.index('<section id="published"') :]
    section = page[page.index('<section id="claims"') : page.index('<section id="published"')]
    assert "&lt;i&gt;larger" in section
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))
    assert "✗ contradicted" in words and "✓ supported" in words, "not by colour alone"
    assert "⊘ undecidable" in words
    counted = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[: page.index("<section")]))
    assert "Verdicts on 2 claims" in counted
    assert "In its own table 1 ✓ supported 0 ✗ contradicted 0 ? undecided 0 ⊘" in counted
    assert "In our runs 0 ✓ supported 1 ✗ contradicted 0 ? undecided 1 ⊘ undecidable" in counted


@pytest.mark.parametrize(
    ("language", "verdict", "words"),
    [
        (
            "en",
            "training",
            "by 1.2 points (0.4 to 2.0; 14 models): they look like accuracies on tr",
        ),
        ("en", "test", "nearer to our test than to our training accuracies, by 1.2 points"),
        ("en", "cannot tell", "cannot be told from our runs (14 models)"),
        ("zh", "training", "看来是训练样本上的准确率"),
    ],
)
def test_test_or_training_is_said_in_a_sentence(
    language: str, verdict: str, words: str, tmp_path: Path
) -> None:
    experiment = write_experiment(tmp_path, models=2, seeds=1, steps=20, language=language)
    sign = -1 if verdict == "test" else 1
    match = tmp_path / "column_match.csv"
    match.write_text(
        "epoch,models,difference,low,high,verdict\n"
        f"all,14,{sign * 0.012},{sign * 0.004},{sign * 0.02},{verdict}\n"
    )
    inputs = report_inputs(experiment, {})
    inputs = ReportInputs(**{**vars(inputs), "tables": {**inputs.tables, "column_match": match}})
    write_report(inputs, Style.from_config(experiment.config), tmp_path / "report.html")
    assert words in (tmp_path / "report.html").read_text("utf-8")


def test_impossible_values_are_shown_with_their_neighbours(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = Path(__file__).parents[3] / "config" / "paper"
    audit_table(folder, tmp_path / "audit.json", tmp_path / "published.csv")
    inputs = report_inputs(experiment, {}, published_audit=tmp_path / "audit.json")
    tables = {**inputs.tables, "published": tmp_path / "published.csv"}
    inputs = ReportInputs(**{**vars(inputs), "tables": tables})
    write_report(inputs, Style.from_config(experiment.config), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    section = page[page.index('<section id="published"') :]
    assert "95.22 · 95.24" in section
    assert ">95.70</td>" in section  # as printed, not 95.7


def test_the_papers_experiment_stays_under_five_megabytes(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path, models=16, seeds=5, steps=780, language="zh")
    style = Style.from_config(experiment.config)
    target = tmp_path / "report.html"
    # the largest pictures, and one curve for all: one is as large as the other
    names = ("comparisons", "reliability", "lengths", "curve")
    figures = {name: tmp_path / f"{name}.svg" for name in names}
    table, model = experiment.table, experiment.models[0]
    pairs = table("comparisons"), table("ranking"), "movies", style
    draw_comparisons(*pairs, figures["comparisons"], 0.95)
    draw_reliability(table("reliability"), "movies", style, figures["reliability"])
    draw_lengths(table("slices"), "movies", style, figures["lengths"])
    draw_curve(experiment.histories(model), model, style, figures["curve"])
    figures |= {f"curves/{model}": figures["curve"] for model in experiment.models}
    write_report(report_inputs(experiment, figures), style, target)
    assert target.stat().st_size < 4_000_000  # leaves a million for the six small pictures
    page = target.read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "排名" in page


# --- the answer -----------------------------------------------------------------------------


def ranking(*rows: tuple[str, float, str, float, float], metric: str = "accuracy") -> pd.DataFrame:
    """(method, score, letters, low and high of the difference to the best)."""
    best = rows[0][1]
    return pd.DataFrame(
        [
            {
                "method": name,
                "rank": i + 1,
                "metric": metric,
                "score": accuracy,
                "low": accuracy - 0.01,
                "high": accuracy + 0.01,
                "group": group,
                "difference_to_best": accuracy - best if i else np.nan,
                "difference_low": low,
                "difference_high": high,
            }
            for i, (name, accuracy, group, low, high) in enumerate(rows)
        ]
    )


def cost(**seconds: float) -> pd.DataFrame:
    return pd.DataFrame({"method": list(seconds), "train_seconds": list(seconds.values())})


def say(
    table: pd.DataFrame,
    seconds: pd.DataFrame | None = None,
    language: str = "en",
    advice: pd.DataFrame | None = None,
) -> str:
    labels = words(TRANSLATIONS, language)
    return " ".join(answer(table, seconds, Style(), labels, recommendation=advice, margin=0.5))


def advice(reason: str, **status: str) -> pd.DataFrame:
    """Rows of recommendation.csv; the first method is recommended, unless there is a reason not to."""
    found = pd.DataFrame({"method": list(status), "status": list(status.values())})
    recommended = (found.index == 0) & (reason not in ("control", "unknown"))
    found["train_seconds"] = 1.0
    return found.assign(recommended=recommended, why=[reason] + [""] * (len(found) - 1))


def test_a_clear_winner_and_the_distance_to_the_next() -> None:
    table = ranking(("big", 0.912, "a", np.nan, np.nan), ("small", 0.891, "b", -0.030, -0.012))
    assert say(table, cost(big=60.0, small=30.0)) == (
        "big is best, with accuracy 91.2 % (90.2–92.2). "
        "small is 2.1 points behind (1.2–3.0), in half the training time."
    )
    assert say(table).endswith("small is 2.1 points behind (1.2–3.0).")


def test_what_cannot_be_told_apart_is_not_called_best() -> None:
    table = ranking(
        ("big", 0.912, "a", np.nan, np.nan),
        ("middle", 0.910, "ab", -0.011, 0.007),
        ("small", 0.905, "b", -0.016, 0.002),
        ("tiny", 0.70, "c", -0.23, -0.19),
    )
    sentence = say(table, cost(big=60.0, middle=6.0, small=5.0, tiny=0.1))
    assert "best" not in sentence
    assert "is not significantly different from middle." in sentence
    # b shares no letter with the best: the difference is real even where an interval touches zero
    assert "small is 0.7 points behind (−0.2 … 1.6)" in sentence


def test_a_cheap_method_is_named_although_it_is_not_second() -> None:
    table = ranking(
        ("big", 0.912, "a", np.nan, np.nan),
        ("large", 0.90, "b", -0.02, -0.004),
        ("words", 0.86, "c", -0.062, -0.042),
    )
    sentence = say(table, cost(big=60.0, large=66.0, words=0.3))
    assert "large is 1.2 points behind (0.4–2.0), in 1.1 times the training time." in sentence
    expected = "words is 5.2 points behind (4.2–6.2), in less than 1 % of the training time."
    assert sentence.endswith(expected)


def test_one_method_alone_is_compared_with_nothing() -> None:
    assert say(ranking(("only", 0.8, "a", np.nan, np.nan))) == (
        "only reaches accuracy 80.0 % (79.0–81.0) on the test rows."
    )


def test_other_metrics_are_named_and_keep_their_scale() -> None:
    loss = ranking(
        ("big", 0.212, "a", np.nan, np.nan), ("small", 0.291, "b", 0.06, 0.1), metric="loss"
    )
    assert say(loss) == (
        "big is best, with loss 0.212 (0.202–0.222). small is 7.9 points behind (6.0–10.0)."
    )
    mcc = ranking(("big", 0.004, "a", np.nan, np.nan), metric="mcc")
    assert say(mcc) == "big reaches MCC 0.004 (−0.006 … 0.014) on the test rows."


def test_the_recommendation_is_part_of_the_answer() -> None:
    table = ranking(("big", 0.912, "a", np.nan, np.nan), ("small", 0.91, "a", -0.004, 0.002))
    seconds = cost(big=60.0, small=30.0)
    cheap = say(table, seconds, advice=advice("cheapest", small="within", big="best"))
    assert "small is recommended, in half the training time: it is the cheapest" in cheap
    assert "at most 0.5 points behind" in cheap
    undecided = say(table, seconds, advice=advice("undecided", big="best", small="open"))
    assert "big is recommended for now: these data cannot show whether small, cheaper" in undecided
    assert "every cheaper method is worse" in say(table, seconds, advice=advice("best", big="best"))
    none = say(table, seconds, advice=advice("control", big="control", small="worse"))
    assert "No method is recommended: none is shown to be as good as a control." in none
    unknown = ranking(("big", 0.912, "", np.nan, np.nan), ("small", 0.91, "", np.nan, np.nan))
    assert say(unknown).endswith("without a second seed nothing can be said about methods.")


def test_many_ties_are_counted_not_listed() -> None:
    ties = [(f"m{i}", 0.91 - i / 1000, "a", -0.02, 0.01) for i in range(9)]
    assert "m1, m2, m3, m4 and 4 more." in say(ranking(*ties))


def test_the_answer_in_chinese() -> None:
    table = ranking(("big", 0.912, "a", np.nan, np.nan), ("small", 0.891, "b", -0.030, -0.012))
    assert say(table, cost(big=60.0, small=30.0), "zh") == (
        "big 最好，准确率为 91.2%（90.2–92.2）。 "
        "small 落后 2.1 个百分点（1.2–3.0），训练用时为其一半。"
    )


# --- parts ----------------------------------------------------------------------------------


def test_both_languages_have_the_same_keys_and_blanks() -> None:
    en, zh = (yaml.safe_load((TRANSLATIONS / f"{x}.yaml").read_text("utf-8")) for x in ("en", "zh"))
    assert list(en) == list(zh)
    lines = (TRANSLATIONS / "en.yaml").read_text("utf-8").splitlines()
    assert len(en) == sum(":" in line and not line.startswith("#") for line in lines)  # none twice
    for key in en:
        assert set(re.findall(r"{\w+}", en[key])) == set(re.findall(r"{\w+}", zh[key])), key
        assert en[key] != "" or key == "sentence_gap"


@pytest.mark.parametrize("colour", [*PALETTE, "#20262d", "#68727d", "#1f4fc4", "#c4252c"])
def test_colours_stay_legible_in_both_themes(colour: str) -> None:
    assert contrast(colour, "#ffffff") > 2.6
    assert contrast(dark(colour), "#15181c") > 4.5


def test_dark_counterparts_turn_paper_and_ink_around() -> None:
    assert contrast(dark("#ffffff"), "#15181c") < 1.3
    assert contrast(dark("#20262d"), "#ffffff") < 1.3
    tint = dark("#e8f0fa")  # a cell of the comparison matrix, with ink on it
    assert contrast(tint, dark("#20262d")) > 7


def test_a_picture_is_stripped_of_everything_that_runs_or_loads(tmp_path: Path) -> None:
    path = tmp_path / "evil.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" '
        'viewBox="0 0 100 50" onload="alert(1)"><title>t</title><desc>d</desc>'
        "<script>alert(2)</script><foreignObject><p>x</p></foreignObject>"
        '<image x:href="https://example.org/a.png"/><use x:href="https://example.org/b.svg#c"/>'
        '<path id="p" style="fill: #AABBCC" onclick="alert(3)"/><use x:href="#p"/></svg>'
    )
    picture = read_picture("evil", path, "make it")
    for word in ("alert", "script", "example.org", "foreignObject", "image"):
        assert word not in picture.svg
    assert 'href="#f-evil-p"' in picture.svg
    assert "var(--c-aabbcc)" in picture.svg
    assert picture.colours == {"#aabbcc"}


def test_a_broken_picture_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "half.svg"
    path.write_text("<svg><g>")
    with pytest.raises(UserError, match=r"half\.svg: not the file its last line describes"):
        read_picture("half", path, "")
    path.write_text("<svg><g></svg>")
    with pytest.raises(UserError, match=r"half\.svg: not an SVG"):
        read_picture("half", path, "")


def test_what_is_not_pretrained_is_named() -> None:
    labels = yaml.safe_load((TRANSLATIONS / "en.yaml").read_text())
    new = {"new_keys": ["classifier.bias", "classifier.weight"], "missing_keys": []}
    assert _new_weights(new, labels) == "classifier: drawn anew by the seed of every run"
    lacking = {**new, "missing_keys": ["bert.pooler.dense.weight"]}
    assert _new_weights(lacking, labels).endswith("; the checkpoint has no bert.pooler.dense")
    assert _new_weights({**new, "weights": "random"}, labels) == _new_weights({}, labels) == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_licence_that_restricts_use_is_named(language: str) -> None:
    labels = yaml.safe_load((TRANSLATIONS / f"{language}.yaml").read_text())
    assert "cc-by-nc-4.0" in _licence(
        {"source": {"kind": "hub", "license": "cc-by-nc-4.0"}}, labels
    )
    for free in ({"source": {"kind": "hub", "license": "mit"}}, {"source": {"kind": "path"}}, {}):
        assert _licence(free, labels) == ""
