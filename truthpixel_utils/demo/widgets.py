"""The demo as ipywidgets, for JupyterLab, Notebook, Colab, VS Code and Voilà."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
import ipywidgets
import traitlets

from truthpixel_utils import plots
from truthpixel_utils.data import READ, SUFFIXES
from truthpixel_utils.demo import views
from truthpixel_utils.demo.analysis import Report
from truthpixel_utils.demo.uploads import MAX_BYTES
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.explain import METHODS

HERE = Path(__file__).resolve().parent
MAX_REPORTS = 30  # answers that are kept to be looked at again
WIDTH = {"width": "calc(100% - 4px)", "max_width": "720px"}  # widgets have a margin of two pixels

NOTHING = ("nothing", -1)  # what may stand beside an answer
HALF = {"width": "min(100%, 700px)"}  # two answers stand side by side where there is room


class Picker(anywidget.AnyWidget):
    """A place to drop images, to browse for them, or to take an example.

    Attributes
    ----------
    files : list of (name, bytes)
        What was chosen last.
    examples : list of dict with ``name``, ``content`` and ``answer``
        JPEG images to click on, and what stands below each.
    accept : str
        Suffixes of the files that the browser offers.
    formats : str
        What is read, for the hint.
    limit : int
        Bytes of a file, at most; the browser sends none that is larger.
    """

    _esm = HERE / "picker.js"
    _css = HERE / "picker.css"
    accept = traitlets.Unicode(",".join(SUFFIXES)).tag(sync=True)
    formats = traitlets.Unicode(READ).tag(sync=True)
    limit = traitlets.Int(MAX_BYTES).tag(sync=True)
    examples = traitlets.List().tag(sync=True)
    files = traitlets.List()

    def __init__(self, **traits):
        super().__init__(**traits)
        self._pieces = bytearray()  # of the file that is arriving
        self._arrived = []  # whole files, until the last of them is there
        self.on_msg(self._take)

    def _take(self, _widget: Picker, message: dict, buffers: list[memoryview]) -> None:
        """Take a message of picker.js: an example, a piece of a file, or the word that all came."""
        if "example" in message:
            example = self.examples[message["example"]]
            self.files = [(example["name"], bytes(example["content"]))]
        elif "done" in message:
            self.files, self._arrived = self._arrived, []
        else:
            self._pieces += buffers[0]
            if message["last"]:
                self._arrived.append((message["name"], bytes(self._pieces)))
                self._pieces.clear()


class SortableTable(anywidget.AnyWidget):
    """A table whose rows a click on a heading sorts.

    Attributes
    ----------
    value : str
        The table as HTML, every text in it escaped.
    """

    _esm = HERE / "table.js"
    value = traitlets.Unicode().tag(sync=True)


class Interface:
    """The demo's widgets, and what happens when a reader uses one of them.

    Parameters
    ----------
    analyze : callable
        See `build_interface`.
    examples : sequence of (name, bytes)
        See `build_interface`.

    Attributes
    ----------
    box : ipywidgets.VBox
        All widgets, as they are laid out.
    reports : list of Report
        The last `MAX_REPORTS` answers.
    """

    def __init__(
        self, analyze: Callable[..., Report], examples: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self.analyze = analyze
        self.reports: list[Report] = []

        clickable = [
            {"name": name, "content": content, "answer": self._brief(content, name)}
            for name, content in examples
        ]
        self.picker = Picker(examples=clickable, layout=WIDTH)
        self.method = ipywidgets.Dropdown(
            options=list(METHODS), description="Heatmap by", layout={"width": "auto"}
        )
        self.button = ipywidgets.Button(
            description="Analyze", button_style="primary", icon="search", disabled=True
        )
        self.progress = ipywidgets.IntProgress(layout={"width": "160px", "visibility": "hidden"})
        self.errors = ipywidgets.HTML(layout=WIDTH)
        self.chosen = ipywidgets.Dropdown(
            description="Answer for", layout={**WIDTH, "display": "none"}
        )
        self.answer = ipywidgets.HTML()
        self.pictures = ipywidgets.HTML()
        self.opacity = ipywidgets.FloatSlider(
            0.7, min=0, max=1, step=0.05, description="Heat", layout={"display": "none"}
        )
        self.beside = ipywidgets.Dropdown(
            options=[NOTHING], description="Beside it", layout={**WIDTH, "display": "none"}
        )
        self.other = ipywidgets.HTML(layout=HALF)
        self.downloads = ipywidgets.HTML(layout=WIDTH)
        self.details = ipywidgets.HTML(layout=WIDTH)
        self.second_look = ipywidgets.HTML(layout=WIDTH)
        self.words = ipywidgets.Text(
            placeholder="Search the metadata", layout={**WIDTH, "display": "none"}
        )
        self.metadata = ipywidgets.HTML(layout=WIDTH)
        self.history = SortableTable(layout=WIDTH)
        self.box = self._lay_out()

        self.picker.observe(self._allow_analysis, "files")
        self.button.on_click(self._analyze_files)
        self.chosen.observe(self._show_report, "value")
        self.beside.observe(self._show_other, "value")
        self.words.observe(self._show_metadata, "value")
        self.opacity.observe(self._show_heat, "value")

    def _brief(self, content: bytes, name: str) -> str:
        """Say in a few words what the answer to an example is; the reasons come with the click."""
        return self.analyze(content, name).headline[0].text.partition(" (")[0]

    def _lay_out(self) -> ipywidgets.VBox:
        title = ipywidgets.HTML("<h2 style='margin:0'>Photograph or AI-generated?</h2>")
        controls = ipywidgets.HBox(
            [self.method, self.button, self.progress],
            layout={"flex_flow": "row wrap", "align_items": "center"},
        )
        answer = ipywidgets.VBox([self.answer, self.pictures, self.opacity], layout=HALF)
        both = ipywidgets.HBox([answer, self.other], layout={"flex_flow": "row wrap"})
        return ipywidgets.VBox(
            [
                title,
                self.picker,
                controls,
                self.errors,
                self.chosen,
                self.beside,
                both,
                self.downloads,
                self.details,
                self.second_look,
                self.metadata,
                self.words,
                self.history,
            ]
        )

    def _allow_analysis(self, _change: object) -> None:
        self.button.disabled = not self.picker.files

    def _analyze_files(self, _button: object) -> None:
        self.button.disabled = True
        self._clear()
        self.progress.value = 0
        self.progress.max = len(self.picker.files)
        self.progress.layout.visibility = "visible"
        answered = [self._analyze_file(name, content) for name, content in self.picker.files]
        self.progress.layout.visibility = "hidden"
        self.button.disabled = False
        del self.reports[:-MAX_REPORTS]
        if any(answered):
            self._offer_reports()

    def _clear(self) -> None:
        """Take away what is said of an earlier file: it must not stand below a later one's name."""
        self.errors.value = ""
        for shown in self._texts():
            shown.value = ""
        for control in (self.chosen, self.beside, self.opacity, self.words):
            control.layout.display = "none"

    def _texts(self) -> list[ipywidgets.HTML]:
        """List what shows the chosen answer."""
        above = [self.answer, self.pictures, self.other, self.downloads]
        return [*above, self.details, self.second_look, self.metadata]

    def _analyze_file(self, name: str, content: bytes) -> bool:
        """Analyze a file, or say why it cannot be; return whether there is an answer."""
        try:
            self.reports.append(self.analyze(content, name, method=self.method.value))
            return True
        except TruthPixelError as error:
            self._add_error(str(error))
        except Exception as error:  # ipywidgets would swallow it, and the other answers with it
            self._add_error(f"{name} could not be analyzed ({type(error).__name__}).")
        finally:
            self.progress.value += 1
        return False

    def _add_error(self, text: str) -> None:
        self.errors.value += views.sentence(text, plots.COLOURS["ai"])

    def _offer_reports(self) -> None:
        """List all answers, and show the last one."""
        names = [(f"{i + 1}. {report.name}", i) for i, report in enumerate(self.reports)]
        self.beside.options = [NOTHING, *names]
        self.chosen.options = names
        self.chosen.value = len(self.reports) - 1
        self.chosen.layout.display = ""
        self.beside.layout.display = "" if names[1:] else "none"
        self._show_report()  # the choice may have the same number as before
        self.history.value = views.history(self.reports)

    def _show_report(self, _change: object = None) -> None:
        if self.chosen.value is None:  # as it is while new options are set
            return
        report = self.reports[self.chosen.value]
        self.answer.value = views.answer(report)
        self.details.value = views.folded_details(report)
        self.second_look.value = views.second_look(report)
        self.opacity.layout.display = "none" if report.heatmap is None else ""
        self.words.layout.display = "" if report.metadata else "none"
        self._show_metadata()
        self._show_heat()

    def _show_heat(self, _change: object = None) -> None:
        report = self.reports[self.chosen.value]
        self.pictures.value = views.pictures(report, self.opacity.value)
        self.downloads.value = views.downloads(report, self.opacity.value)

    def _show_metadata(self, _change: object = None) -> None:
        self.metadata.value = views.metadata(self.reports[self.chosen.value], self.words.value)

    def _show_other(self, _change: object = None) -> None:
        """Show a second answer beside the first, to compare them."""
        number = self.beside.value
        shown = number is not None and number >= 0  # while new options are set there is none
        self.other.value = views.report_card(self.reports[number]) if shown else ""


def build_interface(
    analyze: Callable[..., Report], examples: Sequence[tuple[str, bytes]] = ()
) -> ipywidgets.VBox:
    """Build the demo: a reader chooses images, and gets for each a verdict and its explanation.

    Parameters
    ----------
    analyze : callable
        Takes an image's bytes, its name and ``method=``, and returns a `Report`: `demo.analyze`
        with its detector and rule filled in, as `demo.load_analyzer` gives it.
    examples : sequence of (name, bytes)
        JPEG images to click on.

    Returns
    -------
    ipywidgets.VBox
        The demo; a notebook shows it as the value of a cell.
    """
    return Interface(analyze, examples).box
