"""The book: the notebooks with their committed outputs, and every text of the project.

``make book`` renders it into docs/_build. Its pages lie where they are read on their own (the
README, the notebooks, the cards): Sphinx starts at the project's root, and docs/toc.yml says which
files are pages, and in which order.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from set_repository import NOBODY, repository  # noqa: E402

project = "TruthPixel"
author = "The TruthPixel authors"
copyright = author  # the words under each page

extensions = ["myst_nb", "sphinx_external_toc"]
external_toc_path = "docs/toc.yml"
external_toc_exclude_missing = True  # no file is a page that the table of contents does not name
exclude_patterns = [".*"]  # nor is what tools leave here
suppress_warnings = ["etoc.glob"]  # no page need be there of what docs/toc.yml names by a pattern

nb_execution_mode = "off"  # the outputs are the committed ones; `make notebooks` makes them anew
# No kernel runs behind a page: a widget would be an empty frame, and its picture stands there.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # [recall](glossary.md#recall) leads there, here as on GitHub

html_theme = "sphinx_book_theme"
html_title = "TruthPixel"
html_logo = None
html_static_path = ["static"]
html_css_files = ["book.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "use_download_button": False,
    "navbar_persistent": [],  # the search field stands in the side bar
}
if not repository().startswith(f"{NOBODY}/"):  # buttons that lead to the page's file and to Colab
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository()}",
        "repository_branch": "main",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }
