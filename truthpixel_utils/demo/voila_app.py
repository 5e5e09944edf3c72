"""The demo as a web page, by Voilà: an app of one cell, in a template of its own."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import tempfile
from pathlib import Path

import ipywidgets
import nbformat

from truthpixel_utils.demo.analysis import load_analyzer
from truthpixel_utils.demo.examples import load_examples
from truthpixel_utils.demo.widgets import build_interface
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model import find_detector

TEMPLATES = Path(__file__).resolve().parent / "app"  # Voilà looks in its voila/templates
TITLE = "TruthPixel: photograph or AI-generated?"
IDLE_SECONDS = 1800  # after which a visitor's kernel is ended


def page(model_file: str | None = None) -> ipywidgets.VBox:
    """Build what a visitor sees.

    Parameters
    ----------
    model_file : str, optional
        The detector that is to answer, see `load_analyzer`.

    Returns
    -------
    ipywidgets.VBox
        The demo.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # what is said to a reader of the notebook
        return build_interface(load_analyzer(model_file), load_examples())


def serve(ip: str, port: int, model_file: str | None = None) -> None:
    """Serve the demo until it is interrupted; its address is printed.

    Parameters
    ----------
    ip : str
        Address to listen on.
    port : int
        Port to listen on.
    model_file : str, optional
        The detector that is to answer, see `load_analyzer`.

    Raises
    ------
    TruthPixelError
        If there is no such detector, or nothing can listen there.
    """
    from voila.app import Voila

    if model_file:
        find_detector(model_file)  # a mistake is told here, not on each visitor's page
    _check_free(ip, port)
    print(
        f"Demo: http://{ip}:{port} (Ctrl-C ends it; an idle visitor's kernel ends after "
        f"{IDLE_SECONDS // 60} minutes)",
        flush=True,
    )
    known = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), known]))
    settings = {
        "Voila.ip": ip,
        "Voila.port": port,
        "Voila.open_browser": False,
        "Voila.log_level": 40,
        "VoilaConfiguration.template": "truthpixel",
        "MappingKernelManager.cull_idle_timeout": IDLE_SECONDS,
        "MappingKernelManager.cull_interval": 60,
        "MappingKernelManager.cull_connected": True,
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "demo.ipynb"
        nbformat.write(_notebook(model_file), app)
        Voila.launch_instance([str(app), *flags])


def _notebook(model_file: str | None) -> nbformat.NotebookNode:
    code = f"from truthpixel_utils.demo import voila_app\nvoila_app.page({model_file!r})"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code)], metadata={"title": TITLE, "kernelspec": kernel}
    )


def _check_free(ip: str, port: int) -> None:
    """Raise a `TruthPixelError` if nothing can listen there: Voilà would only say so in its log."""
    try:
        with socket.create_server((ip, port)):
            pass
    except OSError as error:
        reason = os.strerror(error.errno).lower()
        raise TruthPixelError(
            f"the demo cannot listen on {ip}:{port} ({reason}): choose another address by --ip or "
            "another port by --port."
        ) from None
