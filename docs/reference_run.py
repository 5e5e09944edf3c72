"""Keep a finished run of the course on CIFAKE for the book, and its figures for the README.

    export TRUTHPIXEL_CIFAKE=FOLDER
    truthpixel course --profile full -p output_dir OUTPUTS
    python docs/reference_run.py OUTPUTS "truthpixel course --profile full"

The executed notebooks go to docs/reference_run, without any figure that shows images: none of the
data set's images is committed. `metrics.json` goes to docs/measured, and from there into the
tables.
"""

import ast
import inspect
import json
import os
import re
import sys
from pathlib import Path

import measured
from IPython.core.inputtransformer2 import TransformerManager

from truthpixel_utils.plots import charts, scores

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs/reference_run"
PAGE = ROOT / "docs/reference_run.md"
BLOCK = re.compile(r"(<!-- run: .*? -->\n).*?(<!-- /run -->)", re.DOTALL)
# Functions that draw numbers. All others may draw images.
CHARTS = {
    name
    for module in (charts, scores)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__
} | {"network_diagram", "phases_diagram"}
# Names of `plots` that draw nothing.
HARMLESS = {"keep", "save_figure", "COLOURS", "FAINT", "INK", "VERDICT_COLOURS"}
NOT_SHOWN = "*(A figure that shows images; not kept.)*"


def draws_numbers_only(source):
    """Tell whether all that a cell draws are charts."""
    tree = ast.parse(TransformerManager().transform_cell(source))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "plots"
    }
    return bool(used & CHARTS) and used <= CHARTS | HARMLESS


def may_show_images(data, charts_alone):
    """Tell whether an output may show images; one that is a figure does not if it is a chart."""
    figure = any(kind.startswith("image/") for kind in data) and not charts_alone
    widget = any("widget" in kind for kind in data)
    page = "".join(data.get("text/html", ""))
    return figure or widget or any(tag in page for tag in ("<img", "data:image", "<svg", "<script"))


def without_images(cell):
    """A code cell whose outputs show none of the data set's images."""
    charts_alone = draws_numbers_only("".join(cell["source"]))
    shown = {"text/markdown": [NOT_SHOWN], "text/plain": [NOT_SHOWN]}
    stand_in = {"output_type": "display_data", "metadata": {}, "data": shown}
    outputs = [
        stand_in if may_show_images(output.get("data", {}), charts_alone) else output
        for output in cell["outputs"]
        if output.get("name") != "stderr"  # warnings, which name this machine's paths
    ]
    return {**cell, "outputs": outputs}


def kept(notebook):
    """An executed notebook as it is kept: no images, links from where it will lie."""
    cells = []
    for cell in notebook["cells"]:
        cell = {key: value for key, value in cell.items() if key != "attachments"}
        if cell["cell_type"] == "code":
            cell = {**without_images(cell), "metadata": {}}
        else:
            source = "".join(cell["source"]).replace("](../", "](../../")
            cell["source"] = source.replace("](solutions/", "](../../notebooks/solutions/")
        cells.append(cell)
    title, *text = cells[0]["source"].split("\n")
    cells[0]["source"] = "\n".join([f"{title} (on CIFAKE)", *text])
    wanted = ("kernelspec", "language_info")
    metadata = {key: notebook["metadata"][key] for key in wanted if key in notebook["metadata"]}
    return {**notebook, "cells": cells, "metadata": metadata}


def summary(runs, command, figures):
    """What the page says of the run: its command, how long it took, and what came out."""
    seconds = {name: run["metadata"]["papermill"]["duration"] for name, run in runs.items()}
    heads = [name.partition("_")[0] for name in runs]
    return (
        f"```sh\nTRUTHPIXEL_CIFAKE=FOLDER {command}\n```\n\n"
        f"| notebook | {' | '.join(heads)} | all |\n"
        f"|{'---|' * (len(runs) + 2)}\n"
        f"| seconds | {' | '.join(f'{s:,.0f}' for s in seconds.values())} "
        f"| {sum(seconds.values()):,.0f} |\n\n"
        f"On {figures['images']:,} test images its accuracy is "
        f"**{measured.with_interval(figures, 'accuracy', measured.percent)}**, its ROC-AUC "
        f"{measured.with_interval(figures, 'roc_auc', measured.decimal)}, with 95 % intervals.\n"
    )


def main(outputs, command):
    paths = sorted((outputs / "notebooks").glob("0*.ipynb"))
    if len(paths) != 7 or not (outputs / "metrics.json").exists():
        sys.exit(f"{outputs} holds no finished run: seven notebooks and metrics.json are needed.")
    runs = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    cifake = os.environ["TRUTHPIXEL_CIFAKE"]
    KEPT.mkdir(exist_ok=True)
    for name, run in runs.items():
        text = json.dumps(kept(run), indent=1, ensure_ascii=False) + "\n"
        for folder, words in ((str(outputs.resolve()), "outputs"), (cifake, "data/cifake")):
            text = text.replace(folder, words)
        (KEPT / f"{name}.ipynb").write_text(text, encoding="utf-8")
    written = (outputs / "metrics.json").read_bytes()
    (measured.FIGURES / "cifake.json").write_bytes(written)
    figures = json.loads(written)
    page = BLOCK.sub(
        lambda found: found[1] + summary(runs, command, figures) + found[2],
        PAGE.read_text(encoding="utf-8"),
    )
    PAGE.write_text(page, encoding="utf-8")
    measured.main()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
