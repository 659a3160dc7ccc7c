"""A seeded, invented results folder with every table, for tests of pictures and page.

The numbers obey the file contracts (docs/architecture.md) and nothing else: they come from a
random generator, not from a model.
"""

import json
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from finetone.plots import MODULES
from finetone.plots.drawing.style import Style
from finetone.report import ReportInputs

HOSTILE = "<script>document.title='injected'</script> & \"fine\" <b>bold</b>"
TITLES = (
    "MiniLM-L6",
    "MiniLM-L3",
    "MiniLM-L6, no pretraining",
    "BERT-base",
    "RoBERTa-base",
    "ELECTRA-base",
    "ELECTRA-small",
    "DistilBERT",
    "ALBERT-base",
    "ConvBERT-base",
    "SqueezeBERT",
    "GPT-2",
    "DistilGPT-2",
    "ERNIE 2.0 base",
    "ERNIE 3.0 medium (zh)",
    "BART-base",
)
BASELINES = {
    "majority": "Majority class",
    "lexicon": "VADER lexicon",
    "tfidf": "TF-IDF + logistic regression",
    "bilstm": "BiLSTM",
    "textcnn": "TextCNN",
}
TRUE = {"majority": 0.5, "lexicon": 0.699, "tfidf": 0.86, "bilstm": 0.83, "textcnn": 0.845}

TABLES = (
    "runs",
    "summary",
    "main",
    "transfer",
    "baselines",
    "efficiency",
    "convergence",
    "ranking",
    "comparisons",
    "recommendation",
    "reliability",
    "calibration",
    "confusion",
    "per_class",
    "slices",
    "errors",
    "leaks",
    "near_duplicates",
    "label_errors",
    "correlation",
    "variance",
    "planning",
)
OPTIONAL_TABLES = (  # where the configuration asks for them
    *("tuning", "tuning_budget"),
    *("learning_curve", "learning_curve_fit", "learning_curve_crossings"),
)
# figure of all methods: the tables that it is drawn from, in the order of its parameters
FIGURES = {
    "epochs": ["summary"],
    "methods": ["ranking", "runs", "variance"],
    "learning": ["summary"],
    "transfer": ["transfer"],
    "accuracy-parameters": ["efficiency", "ranking"],
    "accuracy-time": ["efficiency", "ranking"],
    "accuracy-inference": ["efficiency", "ranking"],
    "comparisons": ["comparisons", "ranking"],
    "reliability": ["reliability"],
    "lengths": ["slices"],
    "confusion": ["confusion"],
}
OPTIONAL_FIGURES = {
    "tuning": ["tuning"],
    "tuning-budget": ["tuning_budget"],
    "learning-curve": ["learning_curve", "learning_curve_fit"],
}


@dataclass(frozen=True)
class Experiment:
    folder: Path
    config: dict[str, Any]

    @property
    def models(self) -> list[str]:
        return list(self.config["models"])

    @property
    def methods(self) -> list[str]:
        return [*self.config["models"], *self.config["baselines"]]

    def table(self, name: str) -> Path:
        return self.folder / "tables" / f"{name}.csv"

    def histories(self, method: str) -> list[Path]:
        return sorted(self.folder.glob(f"runs/{method}/seed*/history.parquet"))


def write_experiment(
    folder: Path, models: int = 3, seeds: int = 2, steps: int = 60, language: str = "en"
) -> Experiment:
    """Invent an experiment of `models` models and five baselines on two datasets."""
    rng = np.random.default_rng(7)
    titles = TITLES[:models]
    names = [
        t.lower().replace(",", "").replace(" ", "-").replace("(", "").replace(")", "")
        for t in titles
    ]
    config: dict[str, Any] = {
        "experiment": "invented",
        "title": "Invented: models on movie snippets",
        "seeds": list(range(1, seeds + 1)),
        "source": "movies",
        "transfer": ["products"],
        "max_length": 64,
        "datasets": {
            "movies": {"title": "Movie snippets"},
            "products": {"title": "Product snippets"},
        },
        "models": {n: {"title": t} for n, t in zip(names, titles, strict=True)},
        "baselines": {n: {"kind": n, "title": t} for n, t in BASELINES.items()},
        "report": {"language": language, "published": None},
    }
    experiment = Experiment(Path(folder), config)
    truth = (
        dict(
            zip(
                names,
                np.r_[0.912, 0.891, 0.742, 0.87 + 0.07 * rng.random(13)][:models],
                strict=True,
            )
        )
        | TRUE
    )
    size = dict(
        zip(
            names,
            np.r_[22.7e6, 17.4e6, 22.7e6, 10 ** rng.uniform(7.1, 8.15, 13)][:models],
            strict=True,
        )
    )
    size |= {"majority": 0, "lexicon": 7502, "tfidf": 41210, "bilstm": 2.8e6, "textcnn": 2.7e6}
    seconds = {n: size[n] / 4.1e5 * rng.uniform(0.7, 1.4) for n in names}
    seconds |= {"majority": 0.001, "lexicon": 0.4, "tfidf": 0.9, "bilstm": 14.0, "textcnn": 6.5}
    _runs(experiment, truth, size, seconds, seeds, steps, rng)
    _tables(experiment, truth, size, seconds, seeds, rng)
    _data(experiment)
    return experiment


def _json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"schema_version": 1, **content}, ensure_ascii=False), encoding="utf-8"
    )


def _runs(
    experiment: Experiment,
    truth: dict[str, float],
    size: dict[str, float],
    seconds: dict[str, float],
    seeds: int,
    steps: int,
    rng: np.random.Generator,
) -> None:
    for method in experiment.methods:
        kind = experiment.config["baselines"].get(method, {}).get("kind", "finetune")
        for seed in range(1, seeds + 1) if kind in ("finetune", "bilstm", "textcnn") else [0]:
            folder = experiment.folder / "runs" / method / f"seed{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            if kind in ("finetune", "bilstm", "textcnn"):
                _history(truth[method], steps, rng).to_parquet(folder / "history.parquet")
            _json(
                folder / "run.json",
                {
                    "method": method,
                    "kind": kind,
                    "seed": seed,
                    "dataset": "movies",
                    "labels": ["negative", "positive"],
                    "recipe": {"epochs": 3, "batch_size": 32, "learning_rate": 2e-5}
                    if kind == "finetune"
                    else None,
                    "engine": {"precision": "auto"},
                    "execution": {
                        "device": "cpu",
                        "device_name": "Invented CPU @ 2.0 GHz",
                        "threads": 2,
                        "precision": "fp32",
                        "padding_free": True,
                        "notes": [],
                    },
                    "versions": {
                        "python": "3.11.2",
                        "torch": "2.13.0",
                        "numpy": "2.4.0",
                        "finetone": "0.1.0",
                    },
                    "parameters": {
                        "total": int(size[method]),
                        "embedding": None,
                        "non_embedding": None,
                    },
                    "rows": 2400,
                    "epochs": 3,
                    "steps": 3 * steps,
                    "kept_epoch": 3,
                    "dev_scores": None,
                    "train_seconds": round(seconds[method] * rng.uniform(0.95, 1.05), 3),
                    "tokens_per_s": 3100.0,
                    "seconds_per_32": 0.21,
                    "peak_memory_bytes": 913_000_000,
                    "resumed": 0,
                    "made_from": {"train": "ab" * 32, "model": "cd" * 32},
                },
            )


def _history(truth: float, steps: int, rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for epoch in (1, 2, 3):
        t = np.arange(1, steps + 1) + (epoch - 1) * steps
        p = 0.5 + (min(truth + 0.02 * epoch, 0.99) - 0.5) * (1 - np.exp(-t / (0.35 * steps)))
        accuracy = rng.binomial(32, p) / 32
        loss = np.clip(-np.log(p) + rng.normal(0, 0.05, steps), 0.01, None)
        count = np.arange(1, steps + 1)
        parts.append(
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "step": t,
                    "lr": 2e-5,
                    "loss": loss,
                    "accuracy": accuracy,
                    "cumulative_loss": loss.cumsum() / count,
                    "cumulative_accuracy": accuracy.cumsum() / count,
                    "examples": 32,
                    "tokens": 700,
                    "seconds": 0.2,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _tables(
    experiment: Experiment,
    truth: dict[str, float],
    size: dict[str, float],
    seconds: dict[str, float],
    seeds: int,
    rng: np.random.Generator,
) -> None:
    (experiment.folder / "tables").mkdir(parents=True, exist_ok=True)
    n = 2108
    half = 0.0125
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in [*TABLES, *OPTIONAL_TABLES]}
    final: dict[str, dict[str, float]] = {"movies": {}, "products": {}}
    for method in experiment.methods:
        tuned = method in experiment.config["models"]
        random = tuned or method in ("bilstm", "textcnn")
        main: dict[str, Any] = {"method": method}
        for dataset, loss_of in (("movies", 0.0), ("products", 0.11)):
            epochs = (1, 2, 3) if tuned and dataset == "movies" else (3 if tuned else 1,)
            for epoch in epochs:
                base = max(0.5, truth[method] - loss_of) - 0.012 * (3 - epoch if tuned else 0)
                accuracies = np.clip(
                    base + rng.normal(0, 0.004 * random, seeds if random else 1), 0.4, 0.99
                )
                loss = float(1.05 - base + 0.03 * epoch)
                kept = epoch == epochs[-1]
                for i, accuracy in enumerate(accuracies):
                    tables["runs"].append(
                        {
                            "dataset": dataset,
                            "method": method,
                            "seed": i + 1 if random else 0,
                            "epoch": epoch,
                            "kept": kept,
                            "n": n,
                            "correct": round(n * accuracy),
                            "accuracy": accuracy,
                            "accuracy_low": accuracy - half,
                            "accuracy_high": accuracy + half,
                            "loss": loss,
                            "balanced_accuracy": accuracy,
                            "macro_f1": accuracy,
                            "mcc": 2 * accuracy - 1,
                            "auc": min(1.0, accuracy + 0.04),
                            "brier": 0.1,
                            "ece": 0.03,
                        }
                    )
                mean = float(accuracies.mean())
                tables["summary"].append(
                    {
                        "dataset": dataset,
                        "method": method,
                        "epoch": epoch,
                        "kept": kept,
                        "seeds": len(accuracies),
                        "n": n,
                        "accuracy_mean": mean,
                        "accuracy_sd": accuracies.std(ddof=1) if len(accuracies) > 1 else None,
                        "accuracy_min": accuracies.min(),
                        "accuracy_max": accuracies.max(),
                        "accuracy_low": mean - half,
                        "accuracy_high": mean + half,
                        "loss_mean": loss,
                        "loss_sd": 0.01 if random else None,
                        "loss_low": loss - 0.02,
                        "loss_high": loss + 0.02,
                    }
                )
                metrics = {
                    "balanced_accuracy": mean,
                    "macro_f1": mean - 0.001,
                    "mcc": 2 * mean - 1,
                    "auc": min(1.0, mean + 0.04),
                    "brier": 0.11,
                    "ece": 0.034,
                }
                for name, value in metrics.items():
                    tables["summary"][-1] |= {
                        f"{name}_mean": value,
                        f"{name}_low": value - half,
                        f"{name}_high": min(1.0, value + half),
                    }
                final[dataset][method] = mean
                if dataset == "movies":
                    main |= {
                        f"acc_{epoch}": mean,
                        f"acc_{epoch}_low": mean - half,
                        f"acc_{epoch}_high": mean + half,
                        f"loss_{epoch}": loss,
                        f"loss_{epoch}_low": loss - 0.02,
                        f"loss_{epoch}_high": loss + 0.02,
                    }
            bins = np.linspace(0.52, 0.99, 15) if tuned else np.linspace(0.51, 0.9, 15)
            for i, confidence in enumerate(bins):
                reached = np.clip(
                    confidence - 0.08 * (confidence - 0.5) + rng.normal(0, 0.02), 0, 1
                )
                row = {"dataset": dataset, "method": method, "bin": i, "confidence": confidence}
                ends = {"low": reached - 0.06, "high": min(1.0, reached + 0.06)}
                tables["reliability"].append({**row, "accuracy": reached, **ends, "n": n // 15})
            tables["calibration"].append(
                {
                    **{"dataset": dataset, "method": method, "accuracy": final[dataset][method]},
                    **{"ece": 0.034, "ece_expected": 0.012, "p_calibrated": 0.001},
                    **{"ece_debiased": 0.031, "ece_low": 0.02, "ece_high": 0.04},
                    **{"temperature": 1.4, "scaled_p_calibrated": 0.4, "scaled_ece_debiased": 0.0},
                    **{"scaled_ece_low": 0.0, "scaled_ece_high": 0.01, "reason": ""},
                    **{"loss_gain": 0.02, "loss_gain_low": 0.01, "loss_gain_high": 0.03},
                }
            )
            for true in ("negative", "positive"):
                right = final[dataset][method]
                part = {"dataset": dataset, "method": method}
                tables["per_class"].append(
                    {
                        **part,
                        **{"label": true, "n": n // 2},
                        **{"precision": right, "precision_low": right - half},
                        **{"precision_high": min(1.0, right + half), "recall": right},
                        **{"recall_low": right - half, "recall_high": min(1.0, right + half)},
                        **{"f1": right, "f1_low": right - half, "f1_high": min(1.0, right + half)},
                    }
                )
                for predicted in ("negative", "positive"):
                    share = right if predicted == true else 1 - right
                    taken = {"true": true, "predicted": predicted, "rows": share * n / 2}
                    tables["confusion"].append(part | taken | {"share": share})
            for i, name in enumerate(("q1", "q2", "q3", "q4")):
                accuracy = final[dataset][method] + 0.02 - 0.013 * i + rng.normal(0, 0.006)
                row = {
                    "dataset": dataset,
                    "method": method,
                    "kind": "length",
                    "slice": name,
                    "n": n // 4,
                }
                tables["slices"].append(
                    {
                        **row,
                        "accuracy": accuracy,
                        "low": accuracy - 0.025,
                        "high": accuracy + 0.025,
                        "least": 60 * i,
                        "most": 60 * i + 59,
                    }
                )
            for name in ("negative", "positive"):
                accuracy = final[dataset][method] + rng.normal(0, 0.02)
                row = {
                    "dataset": dataset,
                    "method": method,
                    "kind": "label",
                    "slice": name,
                    "n": n // 2,
                }
                tables["slices"].append(
                    {**row, "accuracy": accuracy, "low": accuracy - 0.018, "high": accuracy + 0.018}
                )
        tables["variance"].append(
            {
                "dataset": "movies",
                "metric": "accuracy",
                "method": method,
                "seeds": seeds if random else 1,
                "n": n,
                "seeds_sd": 0.004 if random and seeds > 1 else None,
                "seeds_sd_moderated": 0.004 * random if seeds > 1 else None,
                "df": 3.2 if random else None,
                "rows_sd": 0.25,
                "seeds_rows_sd": 0.2 * random,
                "error_seeds": 0.003 * random,
                "error_rows": 0.0055,
                "seconds_per_seed": seconds[method] if random else None,
                "seconds_per_1000_rows": 2.4,
                "reason": "" if random else "draws no random numbers",
            }
        )
        a, b = final["movies"][method], final["products"][method]
        tables["transfer"].append(
            {
                "dataset": "products",
                "method": method,
                "source_accuracy": a,
                "source_low": a - half,
                "source_high": a + half,
                "accuracy": b,
                "accuracy_low": b - half,
                "accuracy_high": b + half,
                "drop": a - b,
                "drop_low": a - b - 0.017,
                "drop_high": a - b + 0.017,
                "seeds": seeds if random else 1,
                "n": 3708,
            }
        )
        tables["leaks"].append(
            {
                "dataset": "movies",
                "method": method,
                "rows": n,
                "leaked_rows": 2,
                "accuracy": a,
                "accuracy_unleaked": a - 0.0001,
                "difference": 0.0001,
                "low": -0.0004,
                "high": 0.0003,
                "near_rows": 3,
                "accuracy_distinct": a - 0.0002,
                "distinct_difference": 0.0002,
                "distinct_low": -0.0005,
                "distinct_high": 0.0006,
            }
        )
        cost = {"parameters": size[method], "train_seconds": seconds[method]}
        if tuned:
            tables["main"].append(
                {
                    **main,
                    "parameters": cost["parameters"],
                    "seconds_per_32": 0.2,
                    "train_seconds": cost["train_seconds"],
                }
            )
            examples = int(rng.integers(640, 2880))
            tables["convergence"].append(
                {
                    "method": method,
                    "seeds": seeds,
                    "final_training_accuracy": a + 0.03,
                    "final_training_accuracy_low": a + 0.02,
                    "final_training_accuracy_high": a + 0.04,
                    "reached": seeds,
                    "examples_to_target": examples,
                    "examples_to_target_low": examples - 96,
                    "examples_to_target_high": examples + 96,
                    "area_under_curve": a - 0.03,
                    "area_under_curve_low": a - 0.04,
                    "area_under_curve_high": a - 0.02,
                }
            )
        else:
            tables["baselines"].append(
                {
                    "method": method,
                    "kind": method,
                    "accuracy": a,
                    "accuracy_low": a - half,
                    "accuracy_high": a + half,
                    "loss": 0.5,
                    **cost,
                }
            )
        tables["efficiency"].append(
            {
                "method": method,
                "parameters": size[method] or None,
                "non_embedding_parameters": size[method] * 0.5 if tuned else None,
                "seconds_per_32": 0.2 if tuned else None,
                "ms_per_million_parameters": 9.2 if tuned else None,
                "train_seconds": seconds[method],
                "train_tokens_per_s": 3100.0 if tuned else None,
                "inference_examples_per_s": 410.0 if tuned else 9000.0 / (1 + seconds[method]),
                "seconds_per_million_texts": 2439.0 if tuned else 111.1 * (1 + seconds[method]),
                "reference": experiment.methods[0],
                "relative_training": 1.0 if tuned else None,
                "relative_prediction": 1.0 if tuned else 0.0456 * (1 + seconds[method]),
                "doubtful": False,
                "peak_memory_bytes": 9.1e8 if tuned else None,
                "flops_per_token": size[method] if tuned else None,
                "metric": "accuracy",
                "score": a,
            }
        )
    for cost_of, flag in (
        (size, "on_frontier_parameters"),
        (seconds, "on_frontier_train_seconds"),
        (seconds, "on_frontier_inference"),
    ):
        for row in tables["efficiency"]:
            mine, accuracy = cost_of[row["method"]], row["score"]
            row[flag] = not any(
                cost_of[o] <= mine and final["movies"][o] >= accuracy and o != row["method"]
                for o in experiment.methods
            )
    for dataset in ("movies", "products"):
        _ranking(tables, dataset, final[dataset])
    for row in tables["ranking"]:
        if row["dataset"] == "movies":
            behind = -(row["difference_to_best"] or 0)
            status = "best" if row["rank"] == 1 else "worse" if behind > 0.012 else "open"
            tables["recommendation"].append(
                {
                    "dataset": "movies",
                    "method": row["method"],
                    "status": status,
                    "recommended": row["rank"] == 1,
                    "why": "undecided" if row["rank"] == 1 else "",
                    "behind": behind or None,
                    "train_seconds": 10.0,
                }
            )
    for i in range(12):
        tables["errors"].append(
            {
                "dataset": "movies",
                "id": 100 + i,
                "label": ("negative", "positive")[i % 2],
                "text": HOSTILE
                if i == 0
                else "It might have been a fine film, had anybody been awake to direct it. "
                * (1 + i % 3),
                "wrong_methods": len(experiment.methods) if i < 6 else len(experiment.methods) // 2,
                "methods": len(experiment.methods),
                "mean_probability_of_label": 0.08 + 0.03 * i,
                "why": "all-wrong" if i < 6 else "disagreement",
            }
        )
    for i in range(4):
        text = HOSTILE if i == 0 else "A film that nobody will remember, and with good reason."
        tables["near_duplicates"].append(
            {
                "dataset": "movies", "split": "test", "id": 100 + i, "label": "negative",
                "text": text, "other_split": "train", "other_id": 5 + i, "other_label": "positive",
                "other_text": text, "similarity": 0.9 - 0.1 * i,
            }
        )  # fmt: skip
        tables["label_errors"].append(
            {
                "dataset": "movies", "rank": 1 + i, "id": 200 + i, "label": "negative",
                "suggested": "positive", "contradicting": 3, "methods": 4,
                "probability_of_label": 0.02 + 0.01 * i, "probability_of_suggested": 0.98 - 0.01 * i,
                "text": text, "says": "tfidf: positive (97 %); bilstm: positive (91 %)",
            }
        )  # fmt: skip
    for scope in ("movies", "movies/epoch1", "training"):
        tables["correlation"].append(
            {
                "scope": scope,
                "statistic": "spearman",
                "rho": -0.81,
                "low": -0.93,
                "high": -0.52,
                "n": 18,
                "models": 6,
            }
        )
    for difference, needed in ((0.005, None), (0.01, None), (0.02, 4)):
        unknown = {
            "dataset": "movies",
            "metric": "accuracy",
            "difference": difference,
            "seeds": seeds,
            "n": n,
        }
        plan = {
            "power": 20 * difference,
            "seeds_needed": needed,
            "seeds_hours": 0.02 if needed else None,
            "rows_needed": 5100 if needed else None,
            "rows_hours": 0.01 if needed else None,
            "both_seeds": round(0.06 / difference),
            "both_rows": round(60 / difference),
            "both_hours": 0.002 / difference,
            "reason": "" if needed else "not reachable with 100 seeds on these rows",
        }
        if seeds == 1:
            plan = dict.fromkeys(plan) | {"reason": "no method has a second seed"}
        tables["planning"].append(unknown | plan)
    _tuning(tables, experiment, truth)
    _learning_curve(tables, experiment, truth)
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(experiment.table(name), index=False)


def _tuning(
    tables: dict[str, list[dict[str, Any]]], experiment: Experiment, truth: dict[str, float]
) -> None:
    """Five learning rates of every method, the worst of which was stopped early."""
    rates = (1e-5, 2e-5, 3e-5, 5e-5, 1e-4)
    for method in experiment.methods:
        scores = [truth[method] - lost for lost in (0.03, 0.012, 0.0, 0.004, 0.2)]
        for rate, score in zip(rates, scores, strict=True):
            tables["tuning"].append(
                {
                    **{"dataset": "movies", "method": method, "trial": f"learning_rate{rate}"},
                    **{"learning_rate": rate, "epochs": None, "batch_size": None, "C": None},
                    **{"metric": "accuracy", "score": score, "low": score - 0.02},
                    **{"high": score + 0.02, "n": 500, "rows": 2400},
                    **{"epochs_trained": 1 + 2 * (rate < 1e-4), "epochs_planned": 3},
                    **{"stopped": rate == 1e-4, "diverged": False, "chosen": rate == 3e-5},
                    "train_seconds": 40.0,
                }
            )
        for trials in range(1, 6):
            best = truth[method] - 0.1 / trials**2
            found = {"expected_best": best, "expected_best_of_different": best}
            about = {"dataset": "movies", "method": method, "trials": trials}
            tables["tuning_budget"].append(about | {"metric": "accuracy"} | found)


def _learning_curve(
    tables: dict[str, list[dict[str, Any]]], experiment: Experiment, truth: dict[str, float]
) -> None:
    """Curves of four points; the last method has too few for a law."""
    for method in experiment.methods:
        about = {"dataset": "movies", "method": method, "metric": "accuracy"}
        for rows in (100, 300, 1000, 2400):
            score = truth[method] - 0.1 * (rows / 100) ** -0.4
            tables["learning_curve"].append(
                {
                    **about,
                    **{"rows": rows, "all_rows": rows == 2400, "score": score, "seeds": 3},
                    **{"low": score - 0.02, "high": score + 0.02, "n": 2108},
                }
            )
        gains = {"gain": 0.004, "gain_low": 0.001, "gain_high": 0.01, "gain_twice": 0.007}
        law = {
            **{"limit": truth[method], "exponent": 0.4, "scale": 0.028, "more": 1000},
            **gains,
        }
        known = method != experiment.methods[-1]
        reason = "" if known else "fewer than three different numbers of rows"
        tables["learning_curve_fit"].append(
            about
            | {"points": 4, "rows": 2400, "reason": reason}
            | (law if known else dict.fromkeys(law))
        )
    pair = {"a": experiment.methods[-1], "b": experiment.methods[0], "rows": 512.3}
    about = {"dataset": "movies", "metric": "accuracy", "low": 320.0, "high": 890.0, "share": 0.9}
    tables["learning_curve_crossings"].append(pair | about)


def _ranking(
    tables: dict[str, list[dict[str, Any]]], dataset: str, final: dict[str, float]
) -> None:
    order = sorted(final, key=lambda m: -final[m])
    letters: list[list[str]] = []
    for i, method in enumerate(order):  # runs of neighbours within 1.7 points share a letter
        run = [m for m in order[i:] if final[method] - final[m] < 0.017]
        if not any(set(run) <= set(done) for done in letters):
            letters.append(run)
    for i, method in enumerate(order):
        behind = final[order[0]] - final[method]
        tables["ranking"].append(
            {
                "dataset": dataset,
                "method": method,
                "rank": i + 1,
                "metric": "accuracy",
                "score": final[method],
                "low": final[method] - 0.0125,
                "high": final[method] + 0.0125,
                "group": "".join(
                    "abcdefghijklmnop"[k] for k, run in enumerate(letters) if method in run
                ),
                "difference_to_best": -behind if i else None,
                "difference_low": -behind - 0.009 if i else None,
                "difference_high": -behind + 0.009 if i else None,
                "p_adjusted": None if i == 0 else (0.0003 if behind > 0.017 else 0.4),
                "detectable_difference": 0.014 if i else None,
                "n": 2108,
            }
        )
        for other in order[i + 1 :]:
            difference = final[method] - final[other]
            p = 0.0003 if difference > 0.017 else 0.4
            tables["comparisons"].append(
                {
                    "dataset": dataset,
                    "a": method,
                    "b": other,
                    "difference": difference,
                    "low": difference - 0.009,
                    "high": difference + 0.009,
                    "p": p / 3,
                    "p_adjusted": p,
                    "low_simultaneous": difference - 0.012,
                    "high_simultaneous": difference + 0.012,
                    "verdict": "open" if abs(difference) < 0.012 else "a better",
                    "median_mcnemar_p": p / 2,
                    "kappa": 0.71,
                    "kappa_low": 0.68,
                    "kappa_high": 0.74,
                }
            )


def _data(experiment: Experiment) -> None:
    for dataset, train in (("movies", 2400), ("products", 0)):
        folder = experiment.folder / "data" / dataset
        rows = {"test": {"negative": 1040, "positive": 1068}}
        if train:
            rows = {"train": {"negative": 1200, "positive": 1200}, **rows}
        _json(
            folder / "manifest.json",
            {
                "dataset": dataset,
                "source": {"kind": "file", "path": "invented.csv", "sha256": "ef" * 32},
                "license": "MIT",
                "labels": ["negative", "positive"],
                "rows": rows,
                "dropped": {"empty": 2, "tie": 31},
                "splits": dict.fromkeys(rows, "12" * 32),
            },
        )
        facts = {
            "rows": 2108,
            "labels": {"negative": 1040, "positive": 1068},
            "balance": 0.97,
            "empty": 0,
            "multiline": 0,
            "words": {"0": 1, "50": 18, "95": 35, "100": 51},
            "characters": {"0": 7, "100": 257},
            "duplicates": {"groups": 1, "rows": 3, "conflicting_groups": 0, "conflicting_rows": 0},
        }
        _json(
            folder / "audit.json",
            {
                "dataset": dataset,
                "splits": dict.fromkeys(rows, facts),
                "shared": {},
                "leaks": {"count": 2, "ids": [17, 1204], "conflicting": 0},
            },
        )


def report_inputs(experiment: Experiment, figures: dict[str, Path], **more: Any) -> ReportInputs:
    """Everything the page can show of an invented experiment."""
    folder = experiment.folder
    return ReportInputs(
        config=experiment.config,
        tables={path.stem: path for path in sorted((folder / "tables").glob("*.csv"))},
        figures=figures,
        manifests=sorted(folder.glob("data/*/manifest.json")),
        audits=sorted(folder.glob("data/*/audit.json")),
        runs=sorted(folder.glob("runs/*/*/run.json")),
        command="snakemake --cores 1 {path} --configfile config/invented.yaml",
        **more,
    )


def draw(experiment: Experiment, figure: str, style: Style, target: Path) -> None:
    """Draw one of FIGURES, or `curves/<model>`."""
    kind, _, model = figure.partition("/")
    name = "curve" if model else kind.replace("-", "_")
    function = getattr(import_module(f"finetone.plots.{MODULES[name]}"), f"draw_{name}")
    if model:
        function(experiment.histories(model), model, style, target)
    else:
        settings: dict[str, Any] = {"confidence": 0.95} if name == "comparisons" else {}
        if name == "learning":
            runs = [
                (m, k, p) for m in experiment.models for k, p in enumerate(experiment.histories(m))
            ]
            settings["histories"] = {(m, k): p for m, k, p in runs}
        drawn_from = (FIGURES | OPTIONAL_FIGURES)[figure]
        tables = map(experiment.table, drawn_from)
        names = [*signature(function).parameters]
        wanted = [name for name in names if name not in settings][: len(drawn_from) + 1]
        settings |= dict(zip(wanted, [*tables, "movies"], strict=True))
        function(**settings, style=style, target=target)


def draw_all(experiment: Experiment) -> dict[str, Path]:
    """All pictures of an invented experiment, by name."""
    names = [*(f"curves/{model}" for model in experiment.models), *FIGURES, *OPTIONAL_FIGURES]
    figures = {name: experiment.folder / "figures" / f"{name}.svg" for name in names}
    for name, target in figures.items():
        draw(experiment, name, Style.from_config(experiment.config), target)
    return figures
