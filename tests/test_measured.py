"""The figures in the texts are those of the runs, and a kept run shows none of CIFAKE's images."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from truthpixel_utils.files import PROJECT

sys.path.insert(0, str(PROJECT / "docs"))

import measured  # noqa: E402
import reference_run  # noqa: E402

FILES = sorted(measured.FIGURES.glob("*.json"))
SAMPLE = measured.FIGURES / "sample.json"
SCHEMA = json.loads((PROJECT / "truthpixel_utils/evaluate/metrics.schema.json").read_text())


@pytest.mark.parametrize("path", measured.TABLES, ids=lambda path: path.name)
def test_tables_hold_the_figures_of_the_runs(path):
    assert path.read_text(encoding="utf-8") == measured.rendered(path), (
        "python docs/measured.py writes the tables anew"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_figures_are_the_file_that_a_run_writes(path):
    assert path.stem in measured.RUNS
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)


def test_a_figure_that_moves_moves_in_the_table(tmp_path, monkeypatch):
    figures = json.loads(SAMPLE.read_text())
    figures |= {"accuracy": 0.5, "confusion": [[90, 10], [50, 50]]}
    (tmp_path / "sample.json").write_text(json.dumps(figures))
    monkeypatch.setattr(measured, "FIGURES", tmp_path)
    [line] = measured.table(measured.short).splitlines()[2:]
    assert "| 50.0 % | 10.0 % |" in line


def test_the_sentence_in_the_readme_says_what_the_card_says():
    card = (PROJECT / "truthpixel_utils/pretrained/MODEL_CARD.md").read_text(encoding="utf-8")
    accuracy = float(re.search(r"^\| accuracy \| ([\d.]+) %", card, re.MULTILINE)[1])
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"right about {accuracy:.1f} % of the images in CIFAKE's official test" in readme


def code(source, **data):
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    return {"cell_type": "code", "metadata": {}, "source": [source], "outputs": [output]}


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (code("plots.keep(plots.roc_curve(p), 'roc')", **{"image/png": "…"}), True),
        (code("plots.network_diagram(detector, phases)", **{"image/png": "…"}), True),
        (code("plots.windows_diagram(picture)", **{"image/png": "…"}), False),
        (code("%time table", **{"text/html": ["<table></table>"]}), True),
        (code("plots.image_grid(images)", **{"image/png": "…"}), False),
        (code("show(images)", **{"image/png": "…"}), False),
        (code("plots.bars(x); plots.overlay(image, heat)", **{"image/png": "…"}), False),
        (code("report", **{"text/html": ['<img src="data:image/png;base64,…">']}), False),
        (code("slider", **{"application/vnd.jupyter.widget-view+json": {}}), False),
    ],
)
def test_of_a_run_on_cifake_only_numbers_are_kept(cell, shown):
    [output] = reference_run.without_images(cell)["outputs"]
    assert (output == cell["outputs"][0]) is shown
    assert shown or reference_run.NOT_SHOWN in output["data"]["text/markdown"]


def run_folder(root):
    """What a finished run leaves: seven executed notebooks, and the figures."""
    (root / "notebooks").mkdir(parents=True)
    for path in (PROJECT / "notebooks").glob("0*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["metadata"] |= {"papermill": {"duration": 60.0}, "widgets": {"state": "…"}}
        (root / "notebooks" / path.name).write_text(json.dumps(notebook))
    (root / "metrics.json").write_bytes(SAMPLE.read_bytes())
    return root


def test_a_run_is_kept_for_the_book_without_images_and_paths(tmp_path, monkeypatch):
    for path in (reference_run.PAGE, *measured.TABLES):
        copy = tmp_path / path.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    docs = tmp_path / "docs"
    (docs / "measured").mkdir()
    monkeypatch.setattr(measured, "FIGURES", docs / "measured")
    tables = {tmp_path / path.relative_to(PROJECT): kind for path, kind in measured.TABLES.items()}
    monkeypatch.setattr(measured, "TABLES", tables)
    monkeypatch.setattr(reference_run, "KEPT", docs / "reference_run")
    monkeypatch.setattr(reference_run, "PAGE", docs / "reference_run.md")
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", "/data/of/mine")
    reference_run.main(run_folder(tmp_path / "run"), "truthpixel course --profile full")

    assert "course --profile full" in (docs / "reference_run.md").read_text()
    page = (docs / "reference_run.md").read_text()
    assert "| 60 | 60 | 60 | 60 | 60 | 60 | 60 | 420 |" in page
    accuracy = 100 * json.loads(SAMPLE.read_text())["accuracy"]
    assert f"its accuracy is **{accuracy:.1f} % (" in page
    assert measured.RUNS["cifake"] in (tmp_path / "README.md").read_text()
    written = sorted((docs / "reference_run").glob("*.ipynb"))
    assert len(written) == 7
    assert_holds_numbers_only(written)
    assert_links_lead_somewhere(written)


def assert_holds_numbers_only(paths):
    for path in paths:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert "widgets" not in notebook["metadata"]
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert reference_run.without_images(cell)["outputs"] == cell["outputs"], path.name
            assert "attachments" not in cell
        printed = [o for c in notebook["cells"] for o in c.get("outputs", [])]
        assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps(printed)), path.name


def assert_links_lead_somewhere(paths):
    """Of what lies beside a kept notebook, every link finds a file of the project."""
    for path in paths:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for link in re.findall(r"\]\((?!https?:)([^)#]+)", "".join(cell["source"])):
                    target = PROJECT / "docs/reference_run" / link
                    assert target.exists(), f"{path.name}: {link}"


def test_the_run_in_the_book_shows_none_of_cifakes_images():
    kept = sorted(reference_run.KEPT.glob("*.ipynb"))
    if not kept:
        pytest.skip("no reference run is kept with this version")
    assert_holds_numbers_only(kept)


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no finished run"):
        reference_run.main(Path(tmp_path), "truthpixel course")
