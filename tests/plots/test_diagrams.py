import numpy as np
import pandas as pd
import pytest

from truthpixel_utils import data, plots


def words(figure):
    """Every word that a figure shows."""
    found = [text.get_text() for text in figure.findobj() if hasattr(text, "get_text")]
    return " ".join(found)


@pytest.fixture
def photograph():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (427, 640, 3), dtype=np.uint8)


def test_a_network_shows_how_much_of_it_each_phase_trains():
    outputs = ["96×96×3", "3×3×1280", "1"]
    table = pd.DataFrame(
        {"output": outputs, "parameters": [0, 3_000_000, 361_000]}, ["resize", "top", "head"]
    )
    trained = pd.DataFrame(
        {"phase 1": [0, 0, 361_000], "phase 2": [0, 1_500_000, 361_000]}, table.index
    )
    figure = plots.network_diagram(table, trained, "The network")
    assert "phase 1: 361 k of 3.4 M parameters are trained" in words(figure)
    assert "phase 2: 1.9 M of 3.4 M parameters are trained" in words(figure)
    boxes = [len(axis.patches) for axis in figure.axes]
    assert boxes == [4, 5]  # three boxes, and the coloured part of each that is trained


def test_windows_are_framed_where_they_were_cut(photograph):
    windows = data.look(photograph, data.View("windows", 128))
    figure = plots.windows_diagram(photograph, windows, "Windows")
    frames = figure.axes[0].patches
    assert len(frames) == len(windows)
    for frame, window in zip(frames, windows, strict=True):
        left, top = frame.get_xy()
        assert (photograph[top : top + 128, left : left + 128] == window).all()


def test_a_window_of_a_scaled_picture_gets_no_frame(photograph):
    elsewhere = [255 - photograph[:128, :128]]
    assert not plots.windows_diagram(photograph, elsewhere, "Windows").axes[0].patches


def test_phases_say_what_is_trained_when():
    figure = plots.phases_diagram(
        {"phase 1": 10, "phase 2": 5}, {"head": [True, True], "backbone": [False, True]}, "Phases"
    )
    assert words(figure).count("trained") == 3 and words(figure).count("frozen") == 1
    assert [bar.get_width() for bar in figure.axes[0].patches] == [10, 5, 10, 5]
