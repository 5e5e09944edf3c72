"""One place names the repository, one command changes it, and every other place agrees."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from set_repository import PLACES, repository  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What the first code cell of a notebook has to be: it is the only one that differs in Colab.
FIRST_CELL = """\
import sys

if "google.colab" in sys.modules:
    !git clone --quiet https://github.com/{} truthpixel
    %pip install --quiet --editable truthpixel
    sys.path.insert(0, "truthpixel")"""


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def in_colab(path):
    """The first code cell of a notebook, if it is the one that installs in Colab."""
    first = next(cell for cell in cells(path) if cell["cell_type"] == "code")
    source = "".join(first["source"])
    return source if "google.colab" in source else None


def assert_all_places_name(name, root):
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        title = "".join(cells(path)[0]["source"])
        badge = re.search(r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/(\S+?)\)", title)
        assert badge[1] == name, path.name
        assert badge[2] == f"blob/main/notebooks/{path.name}"
        assert in_colab(path) == FIRST_CELL.format(name), path.name
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == f"https://github.com/{name}"


def test_every_place_names_the_repository_of_pyproject_toml():
    assert_all_places_name(repository(), ROOT)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_code_cell_installs_in_colab_and_does_nothing_elsewhere(path):
    tree = ast.parse(TransformerManager().transform_cell(in_colab(path)))
    exec(compile(tree, path.name, "exec"), {})  # no `get_ipython` here: nothing may be called


def copy(root):
    for path in (path for place in PLACES for path in ROOT.glob(place)):
        target = root / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(ROOT / "docs/set_repository.py", root / "docs")


def set_in(root, *arguments):
    command = [sys.executable, "docs/set_repository.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def test_one_command_changes_every_place_and_back(tmp_path):
    copy(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = set_in(tmp_path, "somebody/their-course")
    assert done.returncode == 0 and "notebooks/01_data.ipynb" in done.stdout
    assert_all_places_name("somebody/their-course", tmp_path)
    assert set_in(tmp_path, repository()).returncode == 0
    assert {path: path.read_bytes() for path in before} == before


def test_what_names_no_repository_is_refused(tmp_path):
    copy(tmp_path)
    done = set_in(tmp_path, "https://github.com/somebody/their-course")
    assert done.returncode != 0
    assert "OWNER/NAME" in done.stderr and "Traceback" not in done.stderr
