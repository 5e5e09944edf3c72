"""The book builds without a warning, holds every notebook, and its links lead somewhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = [
    *sorted(ROOT.glob("notebooks/*.ipynb")),
    *sorted(ROOT.glob("notebooks/solutions/*.ipynb")),
]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def build(source, out):
    options = "--fail-on-warning --keep-going --quiet -b html -c docs".split()
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(out)]
    return subprocess.run(command, cwd=source, capture_output=True, text=True)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the rendered book."""
    out = tmp_path_factory.mktemp("book") / "html"
    done = build(ROOT, out)
    assert done.returncode == 0, done.stderr
    return out


def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_is_a_page_with_its_committed_figures(book, path):
    page = soup(book / path.relative_to(ROOT).with_suffix(".html"))
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
    assert page.h1.get_text().startswith(title)
    shown = [data for cell in cells for o in cell.get("outputs", []) if (data := o.get("data"))]
    figures = sum("image/png" in data for data in shown)
    drawn = [image for image in page.select(".cell_output img") if "_images" in image["src"]]
    assert len(drawn) >= figures


def test_the_table_of_contents_leads_from_the_first_page_to_every_other(book):
    links = {link["href"] for link in soup(book / "README.html").select(".bd-sidebar a[href]")}
    written = {page.relative_to(book).as_posix() for page in book.rglob("*.html")}
    apart = {"README.html", "index.html", "search.html", "genindex.html"}
    assert written - apart - {p for p in written if p.startswith("_static")} <= links


def test_links_within_the_book_lead_somewhere(book):
    pages = {page: soup(page) for page in book.rglob("*.html") if "_static" not in page.parts}
    names = {page: {tag["id"] for tag in html.select("[id]")} for page, html in pages.items()}
    astray = []
    for page, html in pages.items():
        for link in html.select("a[href]"):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc or link["href"] in ("#", ""):
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            places = names.get(target, {parts.fragment})  # of what is no page, none is known
            if not target.exists() or (parts.fragment and parts.fragment not in places):
                astray.append((page.name, link["href"]))
    assert astray == []


def test_what_a_reader_looks_for_is_found_by_the_search(book):
    index = (book / "searchindex.js").read_text(encoding="utf-8")
    for word in ("calibr", "recall", "threshold", "gradcam"):  # as the index stems them
        assert word in index.lower()


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copytree(ROOT / "docs/static", tmp_path / "docs/static")
    for name in ("docs/conf.py", "docs/set_repository.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "docs/toc.yml").write_text("root: README\n")
    (tmp_path / "README.md").write_text("# A book\n\n[away](docs/gone.md)\n")
    done = build(tmp_path, tmp_path / "html")
    assert done.returncode != 0 and "gone" in done.stderr


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (on Debian: apt-get install chromium)")
def test_pages_fit_a_telephone(book):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        telephone = browser.new_page(viewport={"width": 390, "height": 844})
        for page in sorted(set(book.rglob("*.html")) - {book / "index.html"}):  # leads to README
            if "_static" not in page.parts:
                telephone.goto(page.as_uri(), wait_until="domcontentloaded")
                width = telephone.evaluate("document.documentElement.scrollWidth")
                assert width <= 390, f"{page.relative_to(book)} is {width} pixels wide"
        browser.close()
