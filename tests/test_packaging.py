import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import truthpixel_utils

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CONDA_NAMES = {
    "opencv-python-headless": "opencv",
    "matplotlib": "matplotlib-base",
    "huggingface-hub": "huggingface_hub",
}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def required():
    """What `make` installs: the package's own requirements and those of its tests."""
    lines = project()["dependencies"] + project()["optional-dependencies"]["test"]
    return [Requirement(line) for line in lines]


def test_environment_yml_names_the_same_packages():
    wanted = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in required()}
    *by_conda, by_pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    listed = [Requirement(line) for line in by_conda + by_pip["pip"]]
    listed = {r.name: str(r.specifier) for r in listed if r.name not in ("python", "pip")}
    assert listed == wanted


def test_lock_gives_exact_versions_of_everything_and_no_addresses():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    locked = {}
    for line in text.splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.+!]+( ; .+)?", line), line
        locked.setdefault(Requirement(line).name, []).append(Requirement(line))
    for wanted in required():
        for version in locked[wanted.name]:
            assert wanted.specifier.contains(str(version.specifier).removeprefix("=="))


def test_continuous_integration_runs_on_every_python_that_is_promised():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    tested = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    promised = SpecifierSet(project()["requires-python"])
    assert tested == [f"3.{minor}" for minor in range(30) if f"3.{minor}" in promised]


def test_the_form_for_what_is_unclear_can_be_read():
    """GitHub leaves out a form in which it finds a fault, without a word."""
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/unclear.yml").read_text())
    assert {"name", "description", "body"} <= form.keys()
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)


def test_the_version_is_the_same_wherever_it_stands():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == truthpixel_utils.__version__
    assert f"\n## {truthpixel_utils.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_keep_the_style(path):
    cells = json.loads(path.read_text())["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    text = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    assert sum("parameters" in c["metadata"].get("tags", []) for c in code) == 1
    lengths = [sum(bool(line.strip()) for line in "".join(c["source"]).split("\n")) for c in code]
    assert 2 * sum(length <= 5 for length in lengths) >= len(lengths) and max(lengths) <= 20
    assert len(text) >= len(code)
    assert text[0].startswith("# ")
    assert all(word in text[0] for word in ("reads", "writes", "takes", "Colab"))
    assert any("## What we learned\n1. " in part for part in text)
    assert any("## Exercises\n" in part for part in text)
    for first, second in pairwise(cells):
        if second["cell_type"] == "code":
            assert first["cell_type"] == "markdown", "a sentence goes before each code cell"
    outputs = [o for c in code for o in c["outputs"]]
    assert outputs and not any(o["output_type"] == "error" for o in outputs)
    assert not any(o.get("name") == "stderr" for o in outputs)
    assert not any("WARNING" in "".join(o.get("text", "")) for o in outputs)
