"""The demo in Streamlit: ``streamlit run truthpixel_utils/streamlit_app.py`` (``pip install -e ".[streamlit]"``)."""

from functools import partial
from pathlib import Path

import streamlit as st

from truthpixel_utils import calibrate, demo, model, report
from truthpixel_utils.files import TruthPixelError
from truthpixel_utils.gradcam import METHODS


@st.cache_resource(show_spinner="Loading the detector ...")
def _analyze():
    return partial(demo.analyze, detector=model.load_detector(), rule=calibrate.load_rule())


@st.cache_data
def _examples():
    return demo.examples()


def main():
    st.set_page_config("TruthPixel", "🔍")
    st.title("Photograph or AI-generated?")
    analyze = _analyze()
    files = st.file_uploader(
        f"JPG, PNG or WebP, up to {demo.BYTES // 10**6} MB each. They stay on this machine.",
        type=[suffix[1:] for suffix in demo.SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=demo.BYTES // 10**6,
    )
    chosen = [(file.name, file.getvalue()) for file in files]
    example = st.pills("Or try one", [name for name, _ in _examples()])
    chosen += [one for one in _examples() if one[0] == example]
    left, right = st.columns(2)
    method = left.selectbox("Heatmap by", list(METHODS))
    opacity = right.slider("Heat", 0.0, 1.0, 0.7)
    history = st.session_state.setdefault("history", {})
    for place, (name, content) in enumerate(chosen):
        _show(place, name, content, analyze, method, opacity, history)
    if history:
        st.subheader("This session")
        st.dataframe(list(history.values()), hide_index=True)


def _show(place, name, content, analyze, method, opacity, history):
    try:
        one = analyze(content, name, method=method)
    except TruthPixelError as error:
        st.error(_plain(str(error)))
        return
    history[one.information["SHA-256"]] = {"image": one.name, "verdict": one.verdict, "p_ai": round(one.p_ai, 3)}
    with st.container(border=True):
        st.html(report.answer(one) + report.pictures(one, opacity))
        with st.expander("Image information and origin"):
            st.html(report.details(one))
        stem = Path(name).stem
        st.download_button("Report (JSON)", report.as_json(one), f"{stem}.json", "application/json", key=f"json {place}")
        overlay = report.png(report.overlay(one, opacity))
        st.download_button("Overlay (PNG)", overlay, f"{stem}.png", "image/png", key=f"png {place}")


def _plain(text):
    """Text as Streamlit's Markdown shows it unchanged."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|<>~$:&" else letter for letter in text)


main()
