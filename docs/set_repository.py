"""Say where this copy of the course is hosted, so that Colab and readers find it there.

    python docs/set_repository.py OWNER/NAME

The address under [project.urls] in pyproject.toml is the one that counts. This script writes it
there and into everything that has to repeat it: the notebooks' Colab badges and first cells, the
README, the citation and the texts of the book. The book's settings read pyproject.toml.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("pyproject.toml", "README.md", "CITATION.cff", "docs/*.md")
PLACES += ("notebooks/*.ipynb", "notebooks/solutions/*.ipynb")
NOBODY = "OWNER"  # who hosts it until somebody says so


def repository(root=ROOT):
    """Read OWNER/NAME from pyproject.toml."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^Repository = "https://github\.com/([^"]+)"', text, re.MULTILINE)[1]


def set_repository(new, root=ROOT):
    """Write OWNER/NAME wherever the old one stands; return the files that changed."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", new):
        sys.exit(f"{new!r} names no repository: write OWNER/NAME, as in the address on GitHub.")
    # GitHub's own addresses have "github.com/", Colab's have "github/".
    old = re.compile(rf"(github(?:\.com)?/){re.escape(repository(root))}(?![\w-])")
    changed = []
    for path in sorted(path for place in PLACES for path in root.glob(place)):
        before = path.read_text(encoding="utf-8")
        after = old.sub(rf"\g<1>{new}", before)
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for path in set_repository(sys.argv[1]):
        print(path.relative_to(ROOT))
