import base64
import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from truthpixel_utils import plots

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
NAMES = ["dark", 'the "middle" <of> it', "bright"]


@pytest.fixture
def shown():
    """A slider over three grey images, which starts with the one in the middle."""
    greys = [np.full((8, 8, 3), value, np.uint8) for value in (0, 128, 255)]
    figures = [plots.image_grid([grey], columns=1) for grey in greys]
    return plots.leaf_through(figures, NAMES, "brightness", start=1).data


def middle_of(source):
    content = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return image.getpixel((image.width // 2, image.height // 2))[0]


def test_where_no_script_runs_the_figure_that_it_starts_with_is_there(shown):
    [source] = re.findall(r'<img[^>]* src="([^"]+)"', shown)
    assert middle_of(source) == pytest.approx(128, abs=3)
    assert 'alt="the &quot;middle&quot; &lt;of&gt; it"' in shown and "<script" not in shown


def test_jupyterlab_leaves_the_arrow_keys_to_the_slider(shown):
    [slider] = re.findall(r"<input[^>]*>", shown)
    assert 'data-lm-suppress-shortcuts="true"' in slider


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (on Debian: apt-get install chromium)")
def test_the_slider_changes_figure_and_words_without_a_kernel(shown):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(shown)
        slider = page.get_by_role("slider", name="brightness")
        seen = []
        for key in ("Home", "ArrowRight", "End"):
            slider.press(key)
            seen.append(middle_of(page.get_by_role("img").get_attribute("src")))
            assert page.get_by_role("status").inner_text() in NAMES
        assert seen == pytest.approx([0, 128, 255], abs=3)
        assert page.get_by_role("img").get_attribute("alt") == "bright"
        browser.close()
