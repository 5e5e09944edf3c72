import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from truthpixel_utils import plots
from truthpixel_utils.plots import fonts

IMAGE = np.zeros((8, 8, 3), np.uint8)
NAMES = ["猫の写真.png", "图片_€.jpg", "한국어", "🙂", "a\u0007b", "lost\udcff", "price_$5_and_$6"]


@pytest.fixture
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def figures(name):
    names = [pd.Index([name, other], dtype=object) for other in ("b", "c")]
    numbers = pd.Series([0.4, 0.6], index=names[0])
    table = pd.DataFrame([[0.5, 0.6], [0.7, 0.8]], index=names[0], columns=names[1])
    return [
        plots.image_grid([IMAGE, IMAGE], [name, "b"], title="words"),
        plots.explanation(IMAGE, IMAGE[..., 0].astype(np.float32), name),
        plots.heatmap_row([IMAGE[..., 0]], [name]),
        plots.contact_sheet([IMAGE], [IMAGE[..., 0]], [name], ["red"]),
        plots.bars(numbers, "title", "label"),
        plots.matrix(table, "title", "across", "down"),
        plots.spectra(table.reset_index(drop=True) + 1, "title"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script_are_drawn_without_a_warning(name, tmp_path, without_warnings):
    for number, figure in enumerate(figures(name)):
        plots.save_figure(figure, tmp_path / f"{number}.png")
    assert len(list(tmp_path.iterdir())) == 7


def test_letters_that_no_font_has_are_written_as_python_writes_them(monkeypatch):
    monkeypatch.setattr(fonts, "FALLBACKS", ())
    fonts._letters.cache_clear()
    assert fonts.drawable("猫_é_Ж.png") == "\\u732b_é_Ж.png"
    fonts._letters.cache_clear()


def test_a_name_is_no_formula():
    figure = plots.explanation(IMAGE, IMAGE[..., 0].astype(np.float32), "price_$5_and_$6")
    titles = [text.get_text() for text in figure.findobj(plt.Text)]
    assert r"price_\$5_and_\$6" in titles  # matplotlib draws \$ as a dollar


def test_a_system_s_fonts_stand_behind_matplotlib_s_own():
    assert plt.rcParams["font.family"][0] == "DejaVu Sans"
    found = fonts.font_families(["Yu Gothic", "Papyrus", "Noto Sans CJK JP"])
    assert found == ["DejaVu Sans", "Noto Sans CJK JP", "Yu Gothic"]
