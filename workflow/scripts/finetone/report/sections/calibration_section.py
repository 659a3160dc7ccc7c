"""Section on stated probabilities: do they hold, and do they after temperature scaling?"""

from collections.abc import Mapping

import pandas as pd

from finetone.plots.drawing.read_table import truth
from finetone.report.elements import Maker, Section
from finetone.report.html_table import Column, with_interval

OTHERS = {
    "loss": "number",
    "brier": "number",
    "auc": "number",
    "mcc": "number",
    "macro_f1": "percent",
    "balanced_accuracy": "percent",
}


def calibration(maker: Maker) -> Section:
    """Confidence against accuracy."""
    labels = maker.labels
    method = Column("method", labels["method"], "method")
    calibrated = [
        method,
        Column("ece_debiased", labels["ece"], "percent", "ece_low", "ece_high"),
        Column("ece_expected", labels["ece_expected"], "percent"),
        Column("p_calibrated", labels["p_calibrated"], "p"),
        Column("temperature", labels["temperature"], "number"),
        Column(
            "scaled_ece_debiased",
            labels["scaled_ece"],
            "percent",
            "scaled_ece_low",
            "scaled_ece_high",
        ),
        Column("scaled_p_calibrated", labels["scaled_p"], "p"),
        with_interval("loss_gain", labels["loss_gain"], "number"),
    ]
    columns = [method] + [
        Column(f"{name}_mean", labels[name], kind, f"{name}_low", f"{name}_high")
        for name, kind in OTHERS.items()
    ]
    summary = maker.rows("summary")
    if len(summary):
        summary = summary[truth(summary["kept"])].sort_values("accuracy_mean", ascending=False)
    found = maker.rows("calibration")
    if len(found):
        found = found.sort_values("accuracy", ascending=False, kind="stable")
    confidence = maker.inputs.config.get("compare", {}).get("confidence", 0.95)
    return Section(
        "calibration",
        labels["section_calibration"],
        labels["lead_calibration"],
        sentences=_sentences(found, confidence, labels) if len(found) else [],
        pictures=maker.show("reliability"),
        tables=[
            *maker.table("calibration", calibrated, found),
            *maker.table("summary", columns, summary),
        ],
    )


def _sentences(found: pd.DataFrame, confidence: float, labels: Mapping[str, str]) -> list[str]:
    """How many methods are calibrated, and what temperatures do about it."""
    level = 1 - confidence
    facts = {"of": len(found), "level": f"{level:.2g}", "n": (found["p_calibrated"] < level).sum()}
    told = [labels["calibration_tested"].format(**facts)]
    scaled = found[found["temperature"].notna()]
    if scaled.empty:
        told.append(labels["calibration_no_dev"])
    else:
        n = (scaled["scaled_p_calibrated"] < level).sum()
        better = (scaled["loss_gain_low"] > 0).sum()
        facts = {"of": len(scaled), "level": f"{level:.2g}", "n": n, "better": better}
        told.append(labels["calibration_scaled"].format(**facts))
    return told
