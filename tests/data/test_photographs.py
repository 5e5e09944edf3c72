"""The script that reads the sample's photographs finds a file in a Qt resource file."""

import importlib.util
import struct
import zlib
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "data/photographs.py"
FOLDER, COMPRESSED = 2, 1
PLAIN, LONG = b"a picture", b"another picture, " * 20


@pytest.fixture(scope="module")
def resource():
    pytest.importorskip("skimage", reason="data/photographs.py needs scikit-image")
    spec = importlib.util.spec_from_file_location("photographs", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.resource


def resource_file(version):
    """The folder "birds" with the files "owl.png", as it is, and "élan.png", compressed."""
    names, contents = [], []
    for name in ("", "birds", "owl.png", "élan.png"):
        text = name.encode("utf-16-be")
        names.append(struct.pack(">HI", len(name), 0) + text)  # its length and its hash
    for content in (PLAIN, struct.pack(">I", len(LONG)) + zlib.compress(LONG)):
        contents.append(struct.pack(">I", len(content)) + content)
    at = [sum(map(len, names[:i])) for i in range(4)]
    entries = [  # name, flags; number of children and the first of them, or country and contents
        (at[0], FOLDER, 1, 1),
        (at[1], FOLDER, 2, 2),
        (at[2], 0, 0, 0),
        (at[3], COMPRESSED, 0, len(contents[0])),
    ]
    modified = struct.pack(">Q", 1) if version > 1 else b""
    tree = b"".join(struct.pack(">IHII", *entry) + modified for entry in entries)
    names, contents = b"".join(names), b"".join(contents)
    starts = 20, 20 + len(tree) + len(names), 20 + len(tree)
    return struct.pack(">4sIIII", b"qres", version, *starts) + tree + names + contents


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_is_found_by_its_path(resource, version):
    blob = resource_file(version)
    assert resource(blob, "birds/owl.png") == PLAIN
    assert resource(blob, "birds/élan.png") == LONG


@pytest.mark.parametrize("path", ["birds/emu.png", "owl.png", "birds/owl.png/beak"])
def test_a_file_that_is_not_there_is_named(resource, path):
    with pytest.raises(SystemExit, match=f"The resource file holds no {path}"):
        resource(resource_file(2), path)
