import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {
    "opencv-python-headless": "opencv",
    "matplotlib": "matplotlib-base",
    "huggingface-hub": "huggingface_hub",
}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_environment_yml_names_the_same_packages():
    wanted = project()["dependencies"] + project()["optional-dependencies"]["test"]
    wanted = {CONDA_NAMES.get(Requirement(w).name, Requirement(w).name): str(Requirement(w).specifier) for w in wanted}
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
    for wanted in map(Requirement, project()["dependencies"] + project()["optional-dependencies"]["test"]):
        for version in locked[wanted.name]:
            assert wanted.specifier.contains(str(version.specifier).removeprefix("=="))


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_keep_the_style(path):
    cells = json.loads(path.read_text())["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    text = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    assert sum("parameters" in c["metadata"].get("tags", []) for c in code) == 1
    lengths = sorted(len([line for line in "".join(c["source"]).split("\n") if line.strip()]) for c in code)
    assert 2 * sum(length <= 5 for length in lengths) >= len(lengths) and lengths[-1] <= 20
    assert len(text) >= len(code)
    assert text[0].startswith("# ") and all(word in text[0] for word in ("reads", "writes", "takes", "Colab"))
    assert "## What we learned\n1. " in text[-1] and "## Exercises\n1. " in text[-1] and "\n3. " in text[-1]
    for first, second in zip(cells, cells[1:]):
        if second["cell_type"] == "code":
            assert first["cell_type"] == "markdown", "a sentence goes before each code cell"
    outputs = [o for c in code for o in c["outputs"]]
    assert outputs and not any(o["output_type"] == "error" or o.get("name") == "stderr" for o in outputs)
    assert not any("WARNING" in "".join(o.get("text", "")) for o in outputs)
