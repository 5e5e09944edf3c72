"""The demo in Streamlit: ``streamlit run truthpixel_utils/demo/streamlit_app.py`` (``pip install -e ".[streamlit]"``)."""

import hashlib
from pathlib import Path

import streamlit as st

from truthpixel_utils import demo
from truthpixel_utils.demo import analysis, views
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.explain.cam import METHODS


@st.cache_resource(show_spinner="Loading the detector ...")
def _analyze():
    return demo.load_analyzer()


@st.cache_data
def _examples():
    return demo.examples()


def main():
    st.set_page_config("TruthPixel", "🔍")
    st.title("Photograph or AI-generated?")
    analyze = _analyze()
    files = st.file_uploader(
        f"JPG, PNG or WebP, up to {analysis.BYTES // 10**6} MB each. They stay on this machine.",
        type=[suffix[1:] for suffix in analysis.SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=analysis.BYTES // 10**6,
        on_change=lambda: st.session_state.pop("example", None),
    )
    chosen = [(file.name, file.getvalue()) for file in files]
    st.caption("Or try one:")
    for column, (name, content) in zip(st.columns(len(_examples())), _examples()):
        column.image(content, width=64)
        if column.button(name):
            st.session_state["example"] = name, content
    if "example" in st.session_state:
        chosen.append(st.session_state["example"])
    left, right = st.columns(2)
    method = left.selectbox("Heatmap by", list(METHODS))
    opacity = right.slider("Heat", 0.0, 1.0, 0.7)
    before, answers = st.session_state.get("answers", {}), {}  # moving a slider computes none anew
    history = st.session_state.setdefault("history", {})
    for place, (name, content) in reversed(list(enumerate(chosen))):
        key = name, method, hashlib.sha256(content).digest()
        try:
            answers[key] = before[key] if key in before else analyze(content, name, method=method)
        except TruthPixelError as error:
            st.error(_plain(str(error)))
            continue
        _show(place, answers[key], opacity)
        history[name, key[-1]] = {"image": name, "verdict": answers[key].verdict, "p_ai": round(answers[key].p_ai, 3)}
    st.session_state["answers"] = answers
    if history:
        st.subheader("This session")
        st.dataframe(list(history.values())[::-1], hide_index=True)


def _show(place, one, opacity):
    with st.container(border=True):
        st.html(views.answer(one) + views.pictures(one, opacity))
        with st.expander("Image information and origin"):
            st.html(views.details(one))
        name, overlay = Path(one.name).stem, views.png(views.overlay(one, opacity))
        st.download_button(
            "Report (JSON)", views.as_json(one), f"{name}.json", "application/json", key=f"json {place}"
        )
        st.download_button("Overlay (PNG)", overlay, f"{name}.png", "image/png", key=f"png {place}")


def _plain(text):
    """Text as Streamlit's Markdown shows it unchanged."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|<>~$:&" else letter for letter in text)


main()
