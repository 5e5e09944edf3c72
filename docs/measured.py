"""Write the tables of figures in README.md and docs/measured.md.

    python docs/measured.py

Every row comes from a file in docs/measured, which is the `metrics.json` of a run as it was
written; a run that has no file there has no row. `make notebooks` renews the sample's, and
docs/reference_run.py CIFAKE's.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs/measured"
RUNS = {  # name of the file, without .json -> what it is called in the tables
    "sample": "the course, on its sample",
    "cifake": "the course, on the whole of CIFAKE",
    "package": "the package's detector, on CIFAKE's official test",
}
BLOCK = re.compile(r"(<!-- figures: .*? -->\n).*?(<!-- /figures -->)", re.DOTALL)


def percent(share):
    return f"{100 * share:.1f} %"


def decimal(share):
    return f"{share:.3f}".lstrip("0")


def false_positive_rate(metrics):
    accused = metrics["confusion"][0]  # of the real images: how many were called real, and AI
    return accused[1] / sum(accused)


def with_interval(metrics, name, words):
    """A figure, and in brackets the interval it lies in, if it was measured."""
    figure = words(metrics[name])
    if not (interval := metrics.get("intervals", {}).get(name)):
        return figure
    ends = [words(interval[end]).removesuffix(" %") for end in ("low", "high")]
    return f"{figure} ({'–'.join(ends)})"


def short(metrics):
    """The columns of the README's table."""
    return {
        "test images": f"{metrics['images']:,}",
        "accuracy": percent(metrics["accuracy"]),
        "false-positive rate": percent(false_positive_rate(metrics)),
        "recall": percent(metrics["recall"]),
        "ROC-AUC": decimal(metrics["roc_auc"]),
    }


def long(metrics):
    """The columns of the table in docs/measured.md."""
    return {
        "test images": f"{metrics['images']:,}",
        "accuracy": with_interval(metrics, "accuracy", percent),
        "false-positive rate": percent(false_positive_rate(metrics)),
        "precision": with_interval(metrics, "precision", percent),
        "recall": with_interval(metrics, "recall", percent),
        "F1": with_interval(metrics, "f1", percent),
        "ROC-AUC": with_interval(metrics, "roc_auc", decimal),
        "expected calibration error": decimal(metrics["calibration_error"]),
    }


TABLES = {ROOT / "README.md": short, ROOT / "docs/measured.md": long}


def table(columns):
    """A table in Markdown, with a row for each run that has a file."""
    files = {words: FIGURES / f"{name}.json" for name, words in RUNS.items()}
    rows = {w: columns(json.loads(f.read_text())) for w, f in files.items() if f.exists()}
    heads = ["detector", *next(iter(rows.values()))]
    lines = [heads, ["---"] * len(heads), *([words, *row.values()] for words, row in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rendered(path):
    """The text of a file as it should be, with its table written anew."""
    filled = rf"\g<1>{table(TABLES[path])}\g<2>"
    return BLOCK.sub(filled, path.read_text(encoding="utf-8"))


def main():
    for path in TABLES:
        path.write_text(rendered(path), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
