"""The demo in Streamlit, which ``pip install -e ".[streamlit]"`` brings.

Start it by ``streamlit run truthpixel_utils/demo/streamlit_app.py``; what follows after ``--`` is
the detector that is to answer, as for ``truthpixel explain --model``. Streamlit runs this file anew
whenever the visitor does something; what has to last is in ``st.session_state``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from truthpixel_utils import demo
from truthpixel_utils.data import READ, SUFFIXES
from truthpixel_utils.demo import exports, views
from truthpixel_utils.demo.analysis import Report
from truthpixel_utils.demo.uploads import MAX_BYTES
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.explain import METHODS


def main() -> None:
    """Draw the page."""
    st.set_page_config("TruthPixel", "🔍")
    st.title("Photograph or AI-generated?")
    files = _choose_files()
    left, right = st.columns(2)
    method = left.selectbox("Heatmap by", list(METHODS))
    opacity = right.slider("Heat", 0.0, 1.0, 0.7)
    _show_answers(files, method, opacity)
    _show_history()


@st.cache_resource(show_spinner="Loading the detector ...")
def _load_analyzer() -> Callable[..., Report]:
    return demo.load_analyzer(model_file=next(iter(sys.argv[1:]), None))


@st.cache_data
def _load_examples() -> list[tuple[str, bytes]]:
    return demo.load_examples()


def _choose_files() -> list[tuple[str, bytes]]:
    """Let the visitor upload files or take an example; return the name and content of each."""
    megabytes = MAX_BYTES // 10**6
    uploads = st.file_uploader(
        f"{READ}, up to {megabytes} MB each. They stay on this machine.",
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=megabytes,
        on_change=lambda: st.session_state.pop("example", None),  # an upload replaces the example
    )
    st.caption("Or try one:")
    examples = _load_examples()
    with st.container(horizontal=True):  # columns would stand below each other on a telephone
        for name, content in examples:
            with st.container(width="content"):
                st.image(content, width=64)
                if st.button(name):
                    st.session_state["example"] = (name, content)
    files = [(upload.name, upload.getvalue()) for upload in uploads]
    if "example" in st.session_state:
        files.append(st.session_state["example"])
    return files


def _show_answers(files: list[tuple[str, bytes]], method: str, opacity: float) -> None:
    """Show the answer for each file, the last one first, and add it to the history.

    Answers of the last run are used again, since a visitor who moves the slider wants no new ones.
    """
    analyze = _load_analyzer()
    earlier = st.session_state.get("answers", {})
    answers = {}
    history = st.session_state.setdefault("history", {})
    for place, (name, content) in reversed(list(enumerate(files))):
        digest = hashlib.sha256(content).digest()
        key = (name, method, digest)
        try:
            report = earlier[key] if key in earlier else analyze(content, name, method=method)
        except TruthPixelError as error:
            st.error(_as_markdown(str(error)))
            continue
        answers[key] = report
        history[name, digest] = {
            "image": name,
            "answer": report.headline[0].text,
            "p_ai": None if report.heatmap is None else round(report.p_ai, 3),
        }
        _show_report(report, opacity, place)
    st.session_state["answers"] = answers


def _show_report(report: Report, opacity: float, place: int) -> None:
    """Show one answer; its place among the files tells its buttons from those of the others."""
    stem = Path(report.name).stem
    files = {
        "Report": (views.page(report), f"{stem}.html", "text/html"),
        "Report (JSON)": (exports.as_json(report), f"{stem}.json", "application/json"),
    }
    if report.heatmap is not None:
        overlay = exports.png(exports.overlay(report, opacity))
        files["Overlay (PNG)"] = (overlay, f"{stem}.png", "image/png")
    with st.container(border=True):
        st.caption(_as_markdown(report.name))
        st.html(views.answer(report) + views.pictures(report, opacity))
        with st.expander("Image information and origin"):
            st.html(views.details(report))
        st.html(views.second_look(report))
        with st.expander("All metadata as they are in the file"):
            st.dataframe([entry._asdict() for entry in report.metadata], hide_index=True)
        with st.container(horizontal=True):
            for words, (content, name, kind) in files.items():
                st.download_button(words, content, name, kind, key=f"{words} {place}")


def _show_history() -> None:
    """Show what this visitor has asked for so far, the last answer first."""
    history = st.session_state["history"]
    if history:
        st.subheader("This session")
        st.dataframe(list(history.values())[::-1], hide_index=True)


def _as_markdown(text: str) -> str:
    """Write a text so that Streamlit's Markdown shows it unchanged."""
    special = "\\`*_{}[]()#+-.!|<>~$:&"
    return "".join(f"\\{letter}" if letter in special else letter for letter in text)


if __name__ == "__main__":
    main()
