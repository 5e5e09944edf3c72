"""The sixty photographs that the sample is cut from: where they lie, and whom to thank for them.

``photographs.csv`` lists them: split, name, what is seen, package and file, where in the picture
the subject is (across and down, 0..1), author, licence, source. Seven come inside scikit-image,
scikit-learn and matplotlib. The others come inside two packages of Debian 12, unpacked into a
folder that ``TRUTHPIXEL_PHOTOGRAPHS`` names:

    apt-get download gcompris-qt-data=3.1-2 lomiri-wallpapers-16.04=20.04.0-2
    for package in *.deb; do dpkg-deb --extract $package FOLDER; done

GCompris keeps its pictures in Qt's resource files, and beside them, in each, a README with their
authors, sources and licences.
"""

import csv
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image

LIST = Path(__file__).parent / "photographs.csv"
RESOURCES = "usr/share/gcompris-qt/rcc"
WALLPAPERS = "usr/share/backgrounds"
# Flags of an entry in a resource file.
COMPRESSED, FOLDER = 1, 2


def read_list():
    """One dictionary for each photograph, in the order of the file."""
    with LIST.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def unpacked():
    """The folder that the Debian packages were unpacked into."""
    folder = os.environ.get("TRUTHPIXEL_PHOTOGRAPHS")
    if not folder:
        raise SystemExit(f"TRUTHPIXEL_PHOTOGRAPHS is not set: see {Path(__file__).name}.")
    return Path(folder)


def resource(blob, path):
    """Take one file (bytes) out of a Qt resource file.

    A tree of entries of fixed size stands in it, beside their names and their contents; everything
    is big-endian. Layout as in Qt's ``rcc`` and ``QResource``.
    """
    version, tree, contents, names = struct.unpack(">4xIIII", blob[:20])
    size = 14 if version == 1 else 22

    def entry(number):
        name, flags, first, second = struct.unpack_from(">IHII", blob, tree + number * size)
        (length,) = struct.unpack_from(">H", blob, names + name)
        text = blob[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be")
        return text, flags, first, second

    number = 0
    for part in path.split("/"):
        _, flags, children, first = entry(number)
        inside = range(first, first + children) if flags & FOLDER else ()
        found = [child for child in inside if entry(child)[0] == part]
        if not found:
            raise SystemExit(f"The resource file holds no {path}.")
        [number] = found
    _, flags, _, offset = entry(number)
    (length,) = struct.unpack_from(">I", blob, contents + offset)
    content = blob[contents + offset + 4 : contents + offset + 4 + length]
    return zlib.decompress(content[4:]) if flags & COMPRESSED else content


def from_gcompris(path):
    """A picture of GCompris, named as in its source: ``activity/resource/…``."""
    activity = path.split("/")[0]
    blob = (unpacked() / RESOURCES / f"{activity}.rcc").read_bytes()
    return Image.open(io.BytesIO(resource(blob, f"gcompris/src/activities/{path}")))


OPEN = {
    "scikit-image": lambda name: Image.fromarray(getattr(skimage_data, name)()),
    "scikit-learn": lambda name: Image.fromarray(load_sample_image(name)),
    "matplotlib": lambda name: Image.open(cbook.get_sample_data(name)),
    "gcompris": from_gcompris,
    "lomiri": lambda name: Image.open(unpacked() / WALLPAPERS / name),
}


def read(photograph):
    """Read the pixels of one row of the list, uint8 (h, w, 3)."""
    return np.asarray(OPEN[photograph["package"]](photograph["file"]).convert("RGB"))


def credits_table():
    """Write the table of the data card, in Markdown."""
    lines = [
        "| name | what it shows | split | author | licence | source |",
        "|---|---|---|---|---|---|",
    ]
    for row in read_list():
        source = row["source"].removeprefix("https://")
        kept = (row[key] for key in ("name", "shows", "split", "author", "licence"))
        lines.append("| " + " | ".join([*kept, source]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(credits_table())
