"""The package is laid out as the course is: who may import whom, and what an import costs."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager

import truthpixel_utils

PACKAGE = Path(truthpixel_utils.__file__).resolve().parent
NAME = PACKAGE.name
NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").glob("*.ipynb"))

CHAPTERS = ("data", "model", "train", "evaluate", "explain", "demo")  # as the course meets them
FACES = (*CHAPTERS, "plots", "exercises", "export", "scoring")
SERVICES = {
    "errors",
    "labels",
    "files",
    "locks",
    "backend",
}  # modules at the root that any chapter may use

# What each room may import, itself aside. A room is a chapter, `plots`, or a module at the root.
MAY_IMPORT = {
    "__init__": set(),
    "errors": set(),
    "labels": set(),
    "files": {"errors"},
    "locks": {"errors", "files"},
    "backend": {"errors", "files"},
    "plots": {"errors", "labels", "files"},
    **{CHAPTERS[i]: {*CHAPTERS[:i], *SERVICES, "plots"} for i in range(len(CHAPTERS))},
    "exercises": {*CHAPTERS, *SERVICES, "plots"},  # they check what the reader made of a chapter
    "scoring": {*CHAPTERS, *SERVICES, "plots", "options"},
    "export": {*CHAPTERS, *SERVICES, "options"},
    "profiles": set(),
    "options": set(),
    "reuse": {"files"},
    "parameters": {"errors", "files", "reuse"},
    "course": {*CHAPTERS, *SERVICES, "plots", "profiles", "reuse", "parameters"},
    "ending": set(),
    "cli": {
        *CHAPTERS,
        *SERVICES,
        "plots",
        "course",
        "ending",
        "export",
        "options",
        "profiles",
        "scoring",
    },
}
OWN_CHAPTER = {
    "01_data": "data",
    "02_model": "model",
    "03_train_phase1": "train",
    "04_finetune": "train",
    "05_evaluate": "evaluate",
    "06_gradcam": "explain",
    "07_demo": "demo",
}
# Notebook 4 trains the model on the data, and compares what it has trained: that is chapter 5.
# Notebook 6 explains what notebook 5 measured, and takes a fused model apart.
OTHER_CHAPTERS = {"04_finetune": 3, "06_gradcam": 3}

# The scripts in `pretrained` are run by hand and belong to no room.
MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.parent.name != "pretrained"]


def imported(tree):
    """The dotted names that are imported anywhere in a syntax tree, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports start at {NAME}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class WithoutTypeChecking(ast.NodeTransformer):
    """Takes out what is imported for type hints alone, and never when the code runs."""

    def visit_If(self, node):
        only_for_hints = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if only_for_hints else self.generic_visit(node)


def rooms(tree):
    """The rooms of the package that a syntax tree imports from."""
    parts = [name.split(".") for name in imported(tree)]
    return {part[1] for part in parts if part[0] == NAME and len(part) > 1} - {"__version__"}


def room_of(path):
    """The room in which a module of the package stands."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def short(path):
    return str(path.relative_to(PACKAGE))


def test_every_import_is_seen():
    source = f"""
import {NAME}.data.splits
from {NAME} import __version__, plots
def late():
    from {NAME}.demo.views import png
"""
    assert rooms(ast.parse(source)) == {"data", "plots", "demo"}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_module_imports_from_a_later_chapter(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is new: say in MAY_IMPORT what it may import"
    found = rooms(ast.parse(path.read_text()))
    assert found <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_keras_is_imported_in_one_place(path):
    """Everywhere else it would greet the reader with log messages."""
    tree = WithoutTypeChecking().visit(ast.parse(path.read_text()))
    packages = {name.split(".")[0] for name in imported(tree)}
    assert "keras" not in packages or short(path) == "backend.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_its_own_chapter_and_few_others(path):
    cells = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    trees = [ast.parse(TransformerManager().transform_cell(source)) for source in code]
    chapters = set().union(*map(rooms, trees)) & set(CHAPTERS)
    own = OWN_CHAPTER[path.stem]
    assert own in chapters
    assert len(chapters - {own}) <= OTHER_CHAPTERS.get(path.stem, 2), chapters
    for name in (name for tree in trees for name in imported(tree)):
        package, *inner = name.split(".")
        if package == NAME and inner[0] in FACES and len(inner) > 1:
            face = importlib.import_module(f"{NAME}.{inner[0]}")
            assert inner[1] in face.__all__, f"{name} is not on the face of its chapter"


LIGHT = {
    "the package": f"import {NAME}",
    **{face: f"import {NAME}.{face}" for face in FACES},
    "truthpixel --help": f"from {NAME}.cli import main; main(['--help'])",
}


@pytest.mark.parametrize("statement", LIGHT.values(), ids=LIGHT.keys())
def test_nothing_heavy_is_loaded_before_it_is_needed(statement):
    script = f"""
import sys
try:
    {statement}
except SystemExit:
    pass
print(*{{"keras", "tensorflow", "torch", "jax", "openvino"}} & sys.modules.keys())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("face", FACES)
def test_every_name_on_a_face_can_be_imported(face):
    module = importlib.import_module(f"{NAME}.{face}")
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_no_two_faces_promise_the_same_name():
    promised = [
        name for face in FACES for name in importlib.import_module(f"{NAME}.{face}").__all__
    ]
    assert len(promised) == len(set(promised))
