"""The demo as ipywidgets, for JupyterLab, Notebook, Colab, VS Code and Voilà."""

import base64
from html import escape
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from truthpixel_utils import plots
from truthpixel_utils.demo import analysis, views
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.explain.cam import METHODS

HERE = Path(__file__).resolve().parent
SESSION = 50  # answers that are kept to be looked at again
WIDTH = {"width": "calc(100% - 4px)", "max_width": "720px"}  # widgets have a margin of two pixels


class Picker(anywidget.AnyWidget):
    """A place to drop images, browse for them, or take an example; `files` holds what was chosen: (name, bytes)."""

    _esm = HERE / "picker.js"
    _css = HERE / "picker.css"
    accept = traitlets.Unicode(",".join(analysis.SUFFIXES)).tag(sync=True)
    limit = traitlets.Int(analysis.BYTES).tag(sync=True)
    examples = traitlets.List().tag(sync=True)  # of dict with name and content
    files = traitlets.List()

    def __init__(self, **traits):
        super().__init__(**traits)
        self._pieces, self._coming = bytearray(), []
        self.on_msg(self._take)

    def _take(self, _, message, buffers):
        """One message of picker.js: an example was taken, a piece of a file has come, or all files have."""
        if "example" in message:
            one = self.examples[message["example"]]
            self.files = [(one["name"], bytes(one["content"]))]
        elif "done" in message:
            self.files, self._coming = self._coming, []
        else:
            self._pieces += buffers[0]
            if message["last"]:
                self._coming.append((message["name"], bytes(self._pieces)))
                self._pieces.clear()


def build_interface(analyze, examples=()):
    """Build the demo: choose images, Analyze, and for each a verdict with bar, heatmap, information and downloads.

    Parameters
    ----------
    analyze : function of an image's bytes, its name and ``method=``, that returns a `demo.Report`: `demo.analyze` with
        its detector and rule filled in
    examples : sequence of (name, bytes), JPEG images to click on

    Returns
    -------
    ipywidgets.VBox
    """
    picker = Picker(examples=[{"name": name, "content": content} for name, content in examples], layout=WIDTH)
    method = widgets.Dropdown(options=list(METHODS), description="Heatmap by", layout={"width": "auto"})
    button = widgets.Button(description="Analyze", button_style="primary", icon="search", disabled=True)
    progress = widgets.IntProgress(layout={"width": "160px", "visibility": "hidden"})
    errors = widgets.HTML(layout=WIDTH)
    chosen = widgets.Dropdown(description="Answer for", layout={**WIDTH, "display": "none"})
    answer, details, downloads, history = (widgets.HTML(layout=WIDTH) for _ in range(4))
    opacity = widgets.FloatSlider(0.7, min=0, max=1, step=0.05, description="Heat", layout={"display": "none"})
    pictures = widgets.HTML(layout=WIDTH)
    reports = []

    def show(_=None):
        if chosen.value is None:
            return
        one = reports[chosen.value]
        answer.value, details.value = views.answer(one), _folded("Image information and origin", views.details(one))
        heat()

    def heat(_=None):
        one = reports[chosen.value]
        pictures.value, downloads.value = views.pictures(one, opacity.value), _downloads(one, opacity.value)

    def analyze_files(_):
        button.disabled, errors.value = True, ""
        progress.value, progress.max, progress.layout.visibility = 0, len(picker.files), "visible"
        for name, content in picker.files:
            try:
                reports.append(analyze(content, name, method=method.value))
            except TruthPixelError as error:
                errors.value += views.sentence(str(error), plots.COLOURS["ai"])
            except Exception as error:  # a widget would swallow it, and the rest of the answers with it
                words = f"{name} could not be analyzed ({type(error).__name__})."
                errors.value += views.sentence(words, plots.COLOURS["ai"])
            progress.value += 1
        progress.layout.visibility, button.disabled = "hidden", False
        del reports[:-SESSION]
        if reports:
            opacity.layout.display = chosen.layout.display = ""
            chosen.options = [(f"{i + 1}. {one.name}", i) for i, one in enumerate(reports)]
            chosen.value = len(reports) - 1
            show()
            history.value = _table(reports)

    picker.observe(lambda change: setattr(button, "disabled", not change["new"]), "files")
    button.on_click(analyze_files)
    chosen.observe(show, "value")
    opacity.observe(heat, "value")
    title = widgets.HTML("<h2 style='margin:0'>Photograph or AI-generated?</h2>")
    controls = widgets.HBox([method, button, progress], layout={"flex_flow": "row wrap", "align_items": "center"})
    return widgets.VBox(
        [title, picker, controls, errors, chosen, answer, pictures, opacity, downloads, details, history]
    )


def _folded(summary, html):
    return f"<details><summary style='cursor:pointer'>{summary}</summary>{html}</details>"


def _downloads(one, opacity):
    links = (
        ("report (JSON)", "application/json", "json", views.as_json(one).encode()),
        ("overlay (PNG)", "image/png", "png", views.png(views.overlay(one, opacity))),
    )
    stem = escape(Path(one.name).stem, quote=True)
    return "Download: " + " · ".join(
        f"<a download='{stem}.{suffix}' href='data:{kind};base64,{base64.b64encode(content).decode()}'>{words}</a>"
        for words, kind, suffix, content in links
    )


def _table(reports):
    def row(tag, *cells):
        style = "style='text-align:left;padding-right:1.5em;overflow-wrap:anywhere'"
        return "<tr>" + "".join(f"<{tag} {style}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = [row("td", one.name, one.verdict, f"{one.p_ai:.1%}", f"{one.milliseconds} ms") for one in reversed(reports)]
    caption = "<caption style='text-align:left'><b>This session</b></caption>"
    return (
        f"<table style='margin-top:1em'>{caption}{row('th', 'image', 'verdict', 'p_ai', 'took')}{''.join(rows)}</table>"
    )
