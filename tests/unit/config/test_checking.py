"""A configuration is either complete and consistent, or refused in one sentence."""

import copy
from pathlib import Path

import pytest
import yaml

from finetone.config import checking as configuration
from finetone.errors import UserError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
DEMO = ROOT / "config/demo.yaml"


def demo():
    return yaml.safe_load(DEMO.read_text())


def set_at(config, path, value):
    *keys, last = path.split(".")
    for key in keys:
        config = config.setdefault(key, {})
    config[last] = value


def test_defaults_are_filled_in_and_the_input_is_left_alone():
    given = demo()
    before = copy.deepcopy(given)
    complete = configuration.check(given, SCHEMA, [DEMO])
    assert given == before
    assert complete["recipe"]["weight_decay"] == 0.01
    assert complete["recipe"]["epochs"] == 3
    assert complete["baselines"]["tfidf"]["ngrams"] == 2
    assert complete["datasets"]["movies"]["split"] == {"test": 0.2, "seed": 0}
    assert configuration.check(complete, SCHEMA) == complete, "checking twice changes nothing"


def test_a_models_recipe_overlays_the_experiments():
    given = demo()
    given["recipe"] = {"learning_rate": 1e-4, "batch_size": 8}
    given["models"]["minilm-l6"]["recipe"] = {"batch_size": 16}
    complete = configuration.check(given, SCHEMA)
    recipe = configuration.recipe_of(complete, "minilm-l6")
    assert (recipe["learning_rate"], recipe["batch_size"], recipe["epochs"]) == (1e-4, 16, 3)
    assert configuration.recipe_of(complete, "minilm-l3")["batch_size"] == 8


def test_the_metric_is_part_of_a_recipe_only_where_it_chooses_the_epoch():
    given = demo()
    given["compare"] = {"metric": "macro_f1"}
    complete = configuration.check(given, SCHEMA)
    assert complete["compare"]["margin"] == 1.0
    assert "choose_by" not in configuration.recipe_of(complete, "minilm-l6")
    given["datasets"]["movies"]["split"]["dev"] = 0.1
    given["models"]["minilm-l6"]["recipe"] = {"choose_epoch": "dev"}
    complete = configuration.check(given, SCHEMA)
    assert configuration.recipe_of(complete, "minilm-l6")["choose_by"] == "macro_f1"
    assert "choose_by" not in configuration.recipe_of(complete, "minilm-l3")
    given["compare"] = {"metric": "accuracy"}
    complete = configuration.check(given, SCHEMA)
    assert "choose_by" not in configuration.recipe_of(complete, "minilm-l6")


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("sed", 1, ["sed", "did you mean 'seeds'"]),
        ("models.minilm-l6.recipe", {"learning_rat": 1}, ["models.minilm-l6.recipe.learning_rat", "'learning_rate'"]),
        ("baselines.tfidf.ngram", 1, ["baselines.tfidf.ngram", "'ngrams'"]),
        ("baselines.tfidf.ngrams", "two", ["baselines.tfidf.ngrams", "'two'", "integer"]),
        ("compare.metric", "f1", ["compare.metric", "'f1'", "macro_f1"]),
        ("compare.margin", -1, ["compare.margin", "-1"]),
        ("baselines.forest", {"kind": "tfid"}, ["baselines.forest.kind", "did you mean 'tfidf'"]),
        ("transfer", ["product"], ["transfer", "'product'", "did you mean 'products'"]),
        ("transfer", ["movies"], ["transfer", "source already"]),
        ("source", "films", ["source", "'films'"]),
        ("models.minilm-scratch.scratch.like", "minilm-l7", ["minilm-l7", "did you mean 'minilm-l6'"]),
        ("experiment", "demo\n", ["experiment"]),
        ("experiment", "my films", ["experiment: 'my films' does not match", "letters, digits"]),
        ("models.minilm-l6.colour", "red", ["colour: 'red' does not match", "#rrggbb"]),
        ("datasets.movies.wheel.sha256", "F0", ["wheel.sha256: 'F0' does not match", "64 digits"]),
        ("datasets", ["imdb"], ["datasets: ['imdb'] is not of type 'object'; write a mapping"]),
        ("datasets.movies.labels", ["bad"], ["datasets.movies.labels: 1 entries; there must be at least 2"]),
        ("models", "minilm-l6", ["models: 'minilm-l6' is not of type", "; write [minilm-l6]"]),
        ("probe.models", "every", ["probe.models: 'every'; write all, or a list of names"]),
        ("datasets.movies.labels", ["bad", "<b>\n"], ["datasets.movies.labels"]),
        ("models.other", {}, ["models.other", "exactly one source"]),
        ("models.other", {"path": "a", "hub": {"id": "b"}}, ["models.other", "hub, path"]),
        ("models.tfidf", {"path": "a"}, ["baselines.tfidf", "unique"]),
        ("models.../evil", {"path": "a"}, ["cannot be a name"]),
        ("seeds", [1, 1], ["seeds", "non-unique"]),
        ("seeds", [], ["seeds"]),
        ("recipe.choose_epoch", "dev", ["dev split", "split: {dev: 0.1}"]),
        ("compare.baseline", "minilm", ["compare.baseline", "did you mean"]),
        ("datasets.movies.labels", ["bad", "ok", "good"], ["datasets.movies.threshold", "two classes"]),
        ("datasets.products.labels", ["bad", "good"], ["datasets.products.labels", "differ"]),
        ("datasets.movies.split", {"test": 0.6, "dev": 0.5}, ["datasets.movies.split", "no rows for training"]),
        ("datasets.movies.split", {}, ["datasets.movies", "needs a test split"]),
        ("datasets.movies.split", {"folds": 5, "test": 0.2}, ["split.test", "cross-validation"]),
        ("datasets.movies.split", {"test": 0.2, "repeats": 2}, ["split.repeats", "add folds: 5"]),
        ("datasets.products.split", {"folds": 5}, ["products.split.folds: is for the source, 'movies'; on 'products' is only tested"]),
        ("datasets.more", {"file": {"train": "a.csv", "test": "b.csv"}, "text": "t", "label": "l", "labels": ["a", "b"], "split": {"folds": 5}},
         ["more.split.folds: the dataset has a test split of its own"]),
        ("learning_rate", 1e-4, ["learning_rate: unknown key 'learning_rate'; it belongs under recipe or tune"]),
        ("labels", ["a"], ["did you mean 'label'? ('labels' belongs under datasets.<name>)"]),
        ("datasets.movies.folds", 5, ["movies.folds: unknown key 'folds'; it belongs under datasets.<name>.split"]),
        ("models.minilm-l6.epochs", 2, ["it belongs under models.<name>.intermediate or models.<name>.recipe"]),
        ("models.minilm-l6", "bert", ["'bert' is not of type 'object', 'null'; write a mapping"]),
        ("datasets.products.hub", "imdb", ["products.hub: 'imdb' is not of type 'object'; write a mapping, {id: imdb}"]),
        ("datasets.movies.labels", {0: "bad", 1: "good"}, ["movies.labels: ", "write a list, [a, b]"]),
        ("datasets.movies.separator", "tab", ["""separator: 'tab' is not one of ",", ";", "|", "\\t", null"""]),
        ("engine.padding_free", True, ['padding_free: true is not one of auto, "off"']),
        ("datasets.movies.label_values", {"x": "positive"}, ["label_values: is for names, threshold for numbers"]),
        ("models.minilm-l6.allow_missing", ["(pooler"], ["allow_missing: '(pooler' is no regular expression"]),
        ("models.other", {"path": ""}, ["models.other.path: names no folder"]),
        ("models.MiniLM-L6", {"path": "a"}, ["models.MiniLM-L6: and 'minilm-l6' differ in capitals only"]),
        ("models.TFIDF", {"path": "a"}, ["baselines.tfidf: and 'TFIDF' differ in capitals only"]),
        ("datasets.Movies", {"hub": {"id": "a"}, "text": "t", "label": "l", "labels": ["a", "b"]}, ["datasets.Movies: and 'movies' differ"]),
        ("datasets.products.wheel.member", {"train": "a.csv"}, ["datasets.products", "needs a test split"]),
        ("datasets.products.wheel.member", {"tests": "a.csv"}, ["datasets.products", "'tests'", "train, dev, test"]),
        ("resources.finetun", {}, ["'finetun'", "finetune"]),
        ("max_length", 2, ["max_length"]),
        ("seeds", 3, ["seeds: 3 is not of type 'array'; write [3], or [1, 2, 3] for three"]),
        ("transfer", "products", ["transfer", "write [products]"]),
        ("datasets.movies.labels", [False, True], ["labels.0", "YAML reads yes, no", "put it in quotes"]),
        ("models.other", {"hub": {"id": "a", "revision": 1234567}}, ['put it in quotes: "1234567"']),
        ("datasets.movies.labels", ["a", " a "], ["'a' and ' a ' look the same"]),
        ("datasets.movies.encoding", "latin-99", ["movies.encoding", "'latin-99' is no encoding"]),
        ("datasets.movies.encoding", "base64", ["movies.encoding", "'base64' is no encoding"]),
        ("datasets.movies.separator", ":", ["movies.separator", "':' is not one of"]),
        ("datasets.other", {"hub": {"id": "a"}, "text": "t", "label": "l", "labels": ["a", "b"], "encoding": "utf-8"},
         ["datasets.other.encoding", "is for file and wheel"]),
        ("datasets.other", {"hub": {"id": "a"}, "text": "t", "label": "l", "labels": ["a", "b"], "split": {"column": "p"}},
         ["datasets.other.split.column", "is for one file"]),
        ("datasets.movies.split", {"column": "part", "test": 0.1}, ["split.test", "has a test split already"]),
        ("baselines.forest", None, ["baselines.forest", "no such entry to take away"]),
        ("seeds", list(range(1001)), ["seeds: 1001 entries", "at most 1000"]),
        ("datasets.movies.labels", [f"c{i}" for i in range(5001)], ["labels: 5001 entries", "at most 5000"]),
        ("recipe.epochs", 2.5, ["recipe.epochs", "2.5", "integer"]),
        ("seeds", [2**63], ["seeds.0", "9223372036854775808 is too large"]),
        ("datasets.movies.sample.train", 2.5, ["sample.train", "2.5", "share", "whole number of rows"]),
        ("datasets.movies.sample.train", 1e99, ["sample.train", "maximum of 1000000000"]),
        ("datasets.movies.sample.dev", 10, ["sample.dev", "no dev split to take 10 from"]),
        ("datasets.products.split", {"test": 0.1}, ["products.split.test", "has a test split already"]),
        ("datasets.movies.splits", {"train": "a"}, ["datasets.movies.splits", "is for hub"]),
        ("datasets.other", {"hub": {"id": "a"}, "text": "t", "label": "l", "labels": ["a", "b"], "splits": {"train": "x", "test": "x"}},
         ["datasets.other.splits.test", "'x' is both train and test"]),
        ("datasets.products.wheel.member", {"test": "a.csv", "dev": "a.csv"}, ["member.test", "'a.csv' is both dev and test"]),
        ("datasets.movies.label", "text", ["datasets.movies.label", "column of the text already, 'text'"]),
        ("datasets.other", {"hub": {"id": "a"}, "text": "t", "label": "l", "labels": ["a", "b"], "label_values": {"1": "good"}},
         ["other.label_values.1", "'good' is not one of labels"]),
        ("datasets.movies.wheel", {"requirement": "a==1", "sha256": "0" * 64},
         ["datasets.movies.wheel", "the key 'member' is missing"]),
        ("datasets.movies.file", "a.csv", ["datasets.movies", "exactly one source", "wheel, file"]),
        ("datasets.products.split", {"dev": 0.1}, ["products.split", "no train split to cut from"]),
        ("models.asked", {"intermediate": {"from": "minilm-l6", "hub": {"id": "squad"}, "stride": 384}},
         ["models.asked.intermediate.stride", "384 must be less than max_length, 384"]),
        ("pathvars.results", "", ["pathvars.results", "'' names no folder"]),
        ("pathvars.results", " \t", ["pathvars.results", "names no folder"]),
        ("pathvars.results", "/", ["pathvars.results", "'/' is no folder of its own"]),
        ("pathvars.results", "//", ["pathvars.results", "'//' is no folder of its own"]),
        ("pathvars.results", "/x/..", ["pathvars.results", "'/x/..' is no folder of its own"]),
        ("pathvars.results", ".", ["pathvars.results", "'.' is no folder of its own"]),
        ("pathvars.results", "{dataset}", ["pathvars.results", "'{dataset}' holds a brace"]),
        ("pathvars.results", "a\nb", ["pathvars.results", "control character"]),
        ("pathvars.results", "a\0b", ["pathvars.results", "control character"]),
        ("pathvars.results", "~/x", ["pathvars.results", "only a shell knows '~'"]),
        ("pathvars.results", "x/", ["pathvars.results", "write 'x/' as 'x'"]),
        ("pathvars.results", "./x//y", ["pathvars.results", "write './x//y' as 'x/y'"]),
        ("pathvars.results", " x", ["pathvars.results", "write ' x' as 'x'"]),
        ("pathvars.results", "x" * 300, ["pathvars.results", "cannot be a folder"]),
        ("pathvars.results", str(DEMO), ["pathvars.results", "demo.yaml' is a file"]),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_key_and_fix(tmp_path, path, value, parts):
    given = demo()
    if ".../" in path:
        given["models"]["../evil"] = value
    else:
        set_at(given, path, value)
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(given))
    with pytest.raises(UserError) as error:
        configuration.check(given, SCHEMA, [file])
    message = str(error.value)
    assert str(file) in message and "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("folder", ["results", "a b/c", "../x", "/scratch/me/results"])
def test_results_may_go_to_any_plain_folder(folder):
    given = demo() | {"pathvars": {"results": folder}}
    assert configuration.check(given, SCHEMA)["pathvars"] == {"results": folder}


def test_the_file_named_is_the_one_that_holds_the_key(tmp_path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    base.write_text(DEMO.read_text())
    overlay.write_text("recipe: {epoch: 5}\n")
    merged = demo() | {"recipe": {"epoch": 5}}
    with pytest.raises(
        UserError, match="overlay.yaml: recipe.epoch: unknown key 'epoch'; did you mean 'epochs'"
    ):
        configuration.check(merged, SCHEMA, [base, overlay])  # fmt: skip


def test_a_name_given_twice_is_an_error_with_its_line(tmp_path):
    file = tmp_path / "twice.yaml"
    text = DEMO.read_text().replace("  minilm-l3:", "  minilm-l6:")
    file.write_text(text)
    line = [i for i, row in enumerate(text.splitlines(), 1) if row == "  minilm-l6:"][1]
    with pytest.raises(UserError, match=f"line {line}: the key 'minilm-l6' is given twice"):
        configuration.check(yaml.safe_load(text), SCHEMA, [file])


def test_broken_yaml_is_one_sentence(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("models: {a: [}")
    with pytest.raises(UserError, match="not valid YAML"):
        configuration.check({}, SCHEMA, [file])


def keys_of(schema, prefix=""):
    for key, rule in schema.get("properties", {}).items():
        yield key
        if isinstance(rule, dict):
            yield from keys_of(rule)
            if isinstance(rule.get("additionalProperties"), dict):
                yield from keys_of(rule["additionalProperties"])
    for branch in schema.get("oneOf", []):
        yield from keys_of(branch)


def test_the_readme_of_the_configuration_explains_every_key():
    schema = yaml.safe_load(SCHEMA.read_text())
    readme = (ROOT / "config/README.md").read_text()
    keys = set(keys_of(schema)) | {k for d in schema["$defs"].values() for k in keys_of(d)}
    assert not [key for key in sorted(keys) if f"`{key}`" not in readme]


def test_an_overlay_takes_away_with_null(tmp_path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    base.write_text(DEMO.read_text())
    overlay.write_text(
        "baselines: {lexicon: null}\ndatasets: {movies: {title: null}}\nrecipe: null\n"
    )
    merged = demo() | {"recipe": None}
    merged["baselines"]["lexicon"] = merged["datasets"]["movies"]["title"] = None
    complete = configuration.check(merged, SCHEMA, [base, overlay])
    without = demo()
    del without["baselines"]["lexicon"], without["datasets"]["movies"]["title"]
    without.pop("recipe", None)
    assert complete == configuration.check(without, SCHEMA)
    assert complete["recipe"]["clip_norm"] is None, "a null that means something stays"
    with pytest.raises(UserError, match="unknown key 'titel'"):
        configuration.check(demo() | {"titel": None}, SCHEMA)


def test_a_lexicon_with_more_than_two_classes_is_refused_before_the_first_job():
    given = demo()
    given["transfer"] = []
    del given["datasets"]["movies"]["threshold"]
    given["datasets"]["movies"]["labels"] = ["a", "b", "c"]
    with pytest.raises(
        UserError, match=r"lexicon\.kind: lexicon knows two classes, but 'movies' has 3"
    ):
        configuration.check(given, SCHEMA)


def test_numbers_are_names_where_they_can_mean_nothing_else():
    given = demo()
    films = given["datasets"]["movies"]
    del films["threshold"]
    films |= {
        "labels": [0, 1],
        "label_values": {5: 1},
        "where": {"lang": "en", "stars": [5, 1, "5"], "ok": True},
    }
    given["transfer"] = []
    films = configuration.check(given, SCHEMA)["datasets"]["movies"]
    assert films["labels"] == ["0", "1"] and films["label_values"] == {"5": "1"}
    assert films["where"] == {"lang": ["en"], "ok": ["true"], "stars": ["1", "5"]}


def test_an_encoding_has_one_name():
    given = demo()
    for written in ("UTF8", "utf-8", "U8"):
        given["datasets"]["movies"]["encoding"] = written
        assert configuration.check(given, SCHEMA)["datasets"]["movies"]["encoding"] == "utf-8"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("export", ["minilm-l66"], "export: no model is named 'minilm-l66'; did you mean 'minilm-l6'"),
        ("export", "tfidf", "export: 'tfidf' is a baseline"),
        ("label.in.file", 5, "label.in.file: 5 is not of type 'string'"),
        ("label.in", {"file": "a.csv", "method": "x"}, "label.in.method: no method is named 'x'"),
        ("label.in", {"file": "a.csv", "seed": 9}, "label.in.seed: there is no run of seed 9"),
        ("label.in", {"file": "a.csv", "seed": "all"}, "label.in.seed: 'all' does not match"),
        ("label.in", {"file": "a.csv", "method": "tfidf", "seed": 1}, "seed: there is no run of seed 1; there are 0"),
        ("label.in", {"file": "a.csv", "encoding": "utf-9"}, "label.in.encoding: 'utf-9' is no encoding"),
        ("label.in", {"text": "a"}, "label.in: the key 'file' is missing"),
    ],
)  # fmt: skip
def test_what_is_labelled_and_exported_must_be_there(path, value, told):
    config = demo()
    set_at(config, path, value)
    with pytest.raises(UserError) as error:
        configuration.check(config, SCHEMA)
    assert told in str(error.value)


def test_one_model_to_export_needs_no_brackets():
    complete = configuration.check(demo() | {"export": "minilm-l6"}, SCHEMA)
    assert complete["export"] == ["minilm-l6"]
    assert complete["label"] == {}


@pytest.mark.parametrize("name", [2024, False])
def test_a_name_that_yaml_reads_as_something_else_is_to_be_quoted(name):
    given = demo()
    given["datasets"][name] = given["datasets"].pop("movies")
    with pytest.raises(UserError, match=f"datasets: {str(name).lower()} cannot be .* in quotes"):
        configuration.check(given, SCHEMA)


def test_off_needs_no_quotes():
    given = demo() | {"engine": {"padding_free": False, "compile": False}}
    engine = configuration.check(given, SCHEMA)["engine"]
    assert (engine["padding_free"], engine["compile"]) == ("off", "off")


def test_what_is_not_there_is_not_listed():
    given = demo() | {"models": {}, "baselines": {}, "probe": None, "export": ["bert"]}
    with pytest.raises(UserError, match="export: no model is named 'bert'; there is none$"):
        configuration.check(given, SCHEMA)


def test_an_experiment_has_a_method():
    given = demo() | {"models": {}, "baselines": {}, "probe": None}
    with pytest.raises(UserError, match="there is no method to compare; name a model"):
        configuration.check(given, SCHEMA)


def test_a_learning_curve_is_of_methods_that_learn():
    given = demo() | {"models": {}, "probe": None, "learning_curve": {"rows": [5]}}
    given["baselines"] = {"majority": {"kind": "majority"}}
    with pytest.raises(UserError, match="learning_curve: no method here learns"):
        configuration.check(given, SCHEMA)
