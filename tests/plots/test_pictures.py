import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.colors import rgb_to_hsv

from truthpixel_utils import plots


def test_overlay_heats_the_hot_pixels_only():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    heatmap = np.zeros((8, 8), np.float32)
    heatmap[2, 3] = 5
    laid = plots.overlay(image, heatmap)
    coloured = laid.max(axis=-1) != laid.min(axis=-1)  # the image's own colours are gone
    assert coloured.sum() == 1 and coloured[2, 3]
    grey = image.mean(axis=-1).round()
    assert (laid[..., 0] == grey)[~coloured].all()


def test_no_heat_is_orange_which_means_ai_generated():
    hue, saturation, value = rgb_to_hsv(plt.get_cmap(plots.HEAT)(range(256))[:, :3]).T
    orange = rgb_to_hsv([0xD5 / 255, 0x5E / 255, 0])[0]
    assert plots.COLOURS["ai"] == "#D55E00"
    near = (abs(hue - orange) < 0.06) & (saturation > 0.5) & (value > 0.5)
    assert not near.any()


def test_what_the_detector_was_not_shown_fades():
    heatmap = np.ones((8, 8), np.float32)
    heatmap[:, :2] = np.nan
    laid = plots.overlay(np.zeros((8, 8, 3), np.uint8), heatmap)
    assert (laid[:, :2] == 170).all() and laid[:, 2:].mean() < 140


def test_an_empty_map_is_said_to_be_empty_not_drawn_as_noise():
    image = np.full((8, 8, 3), 100, np.uint8)
    empty = np.zeros((8, 8), np.float32)
    assert (plots.overlay(image, empty) == image).all()
    figure = plots.explanation(image, empty, "real, 90%")
    assert "empty map" in " ".join(axis.get_title("left") for axis in figure.axes)


def test_figures_are_written_whole_and_shown_once(tmp_path):
    figure = plots.image_grid([np.zeros((4, 4, 3), np.uint8)] * 3, ["a", "b", "c"])
    plots.save_figure(figure, tmp_path / "deep" / "grid.png")
    assert (tmp_path / "deep" / "grid.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "deep").iterdir())) == 1
    plots.keep(figure, tmp_path / "kept" / "grid")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"grid.png", "grid.svg"}
    assert not plt.get_fignums()  # pyplot holds none: a notebook shows the value, and only once


def test_a_grid_may_hold_one_image():
    image = np.zeros((4, 4, 3), np.uint8)
    assert len(plots.image_grid([image], columns=1).axes) == 1
    assert len(plots.contact_sheet([image], [image[..., 0]], ["a"], ["red"], columns=1).axes) == 1


def test_a_kept_table_can_be_read_again(tmp_path):
    table = pd.DataFrame({"accuracy": [0.1 + 0.2, 1.0]}, index=["a", "b"])
    assert plots.keep(table, tmp_path / "tables" / "figures") is table
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "tables" / "figures.csv", index_col=0), table
    )
