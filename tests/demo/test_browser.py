"""The demo in a real browser, by Voilà, Streamlit and JupyterLab: files good, broken and many."""

import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from truthpixel_utils import course, reuse
from truthpixel_utils.demo import load_examples

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="needs Chromium (on Debian: apt-get install chromium)"
)
BIN = Path(sys.executable).parent
VERDICT = re.compile(r"^\s*(real|cannot tell|AI-generated)\s*$")
TIMEOUT = 60_000  # ms; a kernel has to start and TensorFlow to be imported
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def served(home, *command, port):
    """Run a server until the block ends; yields its address once it answers."""
    environment = {
        **os.environ,
        "TRUTHPIXEL_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
    }
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=reuse.PACKAGE.parent,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        assert process.returncode is None, (home / "log").read_text()[-2000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Images to upload: name -> path. The detector calls each thumbnail real."""
    folder = tmp_path_factory.mktemp("uploads")
    thumbnail = Image.open(io.BytesIO(dict(load_examples())["real_thumbnail.jpg"]))
    for i in range(3):
        thumbnail.save(folder / f"thumbnail{i}.png", compress_level=i)  # the same in other bytes
    Image.new("RGB", (1200, 900), "teal").save(folder / "photograph.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 and no more")
    (folder / "huge.jpg").write_bytes(bytes(51_000_000))
    return {path.name: str(path) for path in folder.iterdir()}


# --- Voilà ---


@pytest.fixture(scope="module")
def voila(tmp_path_factory):
    port = free_port()
    home = tmp_path_factory.mktemp("voila")
    with served(home, str(BIN / "truthpixel"), "demo", "--port", str(port), port=port) as address:
        yield address


def visit(chromium, address, **options):
    page = chromium.new_context(**options).new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(address)
    page.locator(".tp-drop").wait_for()
    return page


@pytest.fixture(scope="module")
def page(chromium, voila):
    return visit(chromium, voila)


def answer(page, *paths):
    """Upload files and press Analyze."""
    page.locator(".tp-drop input").set_input_files(list(paths))
    page.get_by_text(f"Chosen: {Path(paths[0]).name}").wait_for()
    page.get_by_role("button", name="Analyze").click()


def rows(page):
    return page.locator("caption:has-text('This session') ~ * tr:has(td)")


def test_voila_shows_verdict_bar_and_heatmap_and_no_code(page, files):
    assert page.locator(".jp-InputArea-editor").count() == 0
    answer(page, files["thumbnail0.png"])
    rows(page).first.wait_for()
    assert page.get_by_role("status").filter(has_text=VERDICT).first.is_visible()
    assert page.get_by_role("img", name="confidence:").first.is_visible()
    heat = page.get_by_alt_text("heatmap over the image").first
    assert heat.evaluate("image => image.complete && image.naturalWidth") == 32


def test_voila_names_a_broken_file_and_lives_on(page, files):
    before = rows(page).count()
    answer(page, files["broken.jpg"], files["photograph.jpg"])
    page.get_by_text("broken.jpg is not an image that can be read").wait_for()
    page.get_by_text("What would help:").first.wait_for()
    rows(page).nth(before).wait_for()
    assert rows(page).count() == before + 1


def test_voila_refuses_a_huge_file_before_it_is_sent(page, files):
    page.locator(".tp-drop input").set_input_files([files["huge.jpg"]])
    page.get_by_text("huge.jpg has 51 MB: files up to 50 MB are read.").wait_for()


def test_voila_takes_files_that_are_dropped_and_examples(page):
    drop = """drop => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array([1, 2, 3])], "dropped.png"));
        const options = {dataTransfer: data, bubbles: true, cancelable: true};
        drop.dispatchEvent(new DragEvent("drop", options));
    }"""
    page.locator(".tp-drop").evaluate(drop)
    page.get_by_text("Chosen: dropped.png").wait_for()
    page.get_by_role("button", name="example labelled_thumbnail.jpg").click()
    page.get_by_text("Chosen: labelled_thumbnail.jpg").wait_for()
    page.get_by_role("button", name="Analyze").click()
    rows(page).filter(has_text="labelled_thumbnail.jpg").first.wait_for()


def test_voila_does_not_mix_the_files_of_two_choices_made_at_once(page):
    drop_twice = """drop => {
        for (const names of [["a.png", "b.png"], ["c.png"]]) {
            const data = new DataTransfer();
            for (const name of names) data.items.add(new File([new Uint8Array([1, 2, 3])], name));
            const options = {dataTransfer: data, bubbles: true, cancelable: true};
            drop.dispatchEvent(new DragEvent("drop", options));
        }
    }"""
    page.locator(".tp-drop").evaluate(drop_twice)
    page.get_by_text("Chosen: c.png").wait_for()
    page.get_by_role("button", name="Analyze").click()
    page.get_by_text("c.png is not an image").wait_for()
    assert page.get_by_text(re.compile("[ab].png is not an image")).count() == 0


def test_voila_answers_twenty_uploads_in_a_row(page, files):
    before = rows(page).count()
    for i in range(20):
        answer(page, files[f"thumbnail{i % 3}.png"])
        rows(page).nth(before + i).wait_for()


def test_voila_sorts_its_table_by_a_click_on_a_heading(page, files):
    before = rows(page).count()
    answer(page, files["photograph.jpg"], files["thumbnail1.png"])
    rows(page).nth(before + 1).wait_for()  # a later answer would bring the old order back
    heading = page.get_by_role("columnheader", name="image")
    names = []
    for _ in range(2):
        heading.click()
        names.append(rows(page).locator("td:first-child").all_inner_texts())
    assert names[0] == sorted(names[0]) and names[1] == sorted(names[1], reverse=True)
    assert len(set(names[0])) > 1


def test_voila_keeps_two_visitors_apart_and_serves_a_phone(chromium, voila, page, files):
    phone = visit(chromium, voila, viewport={"width": 390, "height": 844})
    answer(phone, files["photograph.jpg"])
    rows(phone).first.wait_for()
    assert rows(phone).count() == 1 and rows(page).count() > 1
    assert phone.evaluate("document.querySelector('.tp-drop').getBoundingClientRect().right") <= 390
    phone.context.close()


# --- Streamlit ---


@pytest.fixture(scope="module")
def streamlit(tmp_path_factory):
    port = free_port()
    options = (
        f"--server.port {port} --server.address 127.0.0.1 --server.headless true "
        "--browser.gatherUsageStats false"
    )
    app = str(reuse.PACKAGE / "demo" / "streamlit_app.py")
    command = [str(BIN / "streamlit"), "run", app, *options.split()]
    with served(tmp_path_factory.mktemp("streamlit"), *command, port=port) as address:
        yield address


def test_streamlit_shows_verdict_bar_and_heatmap_and_names_a_broken_file(
    chromium, streamlit, files
):
    pages = [chromium.new_context().new_page() for _ in range(2)]
    for page in pages:
        page.set_default_timeout(TIMEOUT)
        page.goto(streamlit)
    one, other = pages
    upload = one.locator("input[type=file]")
    twice = [files["thumbnail0.png"]] * 2  # two buttons must not get the same key
    upload.set_input_files([files["broken.jpg"], *twice])
    one.get_by_text("broken.jpg is not an image that can be read").wait_for()
    one.get_by_role("status").filter(has_text=VERDICT).first.wait_for()
    one.get_by_role("img", name="confidence:").nth(1).wait_for()
    one.get_by_role("button", name="Overlay (PNG)").nth(1).wait_for()
    assert one.get_by_alt_text("heatmap over the image").first.evaluate(
        "image => image.complete && image.naturalWidth"
    )
    other.locator("input[type=file]").wait_for(state="attached")
    assert other.get_by_text("thumbnail0.png").count() == 0


def test_streamlit_takes_an_example_and_answers_twenty_uploads_in_a_row(chromium, streamlit, files):
    page = chromium.new_context().new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(streamlit)
    page.get_by_role("button", name="labelled_thumbnail.jpg").click()
    answers = page.get_by_role("img", name="confidence:")
    answers.first.wait_for()
    names = page.get_by_test_id("stCaptionContainer")  # each answer stands below its file's name
    for i in range(20):
        page.locator("input[type=file]").set_input_files(files[f"thumbnail{i % 3}.png"])
        names.filter(has_text="thumbnail").nth(i).wait_for()
    answers.nth(19).wait_for()
    assert names.filter(has_text="labelled_thumbnail.jpg").count() == 0  # the example made way
    assert answers.count() == 20


# --- JupyterLab ---


def test_jupyterlab_runs_the_notebook_and_answers(chromium, tmp_path, files):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(course.NOTEBOOKS / "07_demo.ipynb", folder)
    port = free_port()
    options = [
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
    ]
    command = [str(BIN / "jupyter"), "lab", f"--port={port}", *options]
    with served(tmp_path, *command, port=port) as address:
        page = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{address}/lab/tree/07_demo.ipynb")
        page.locator(".jp-Notebook").wait_for()
        page.get_by_text("| Idle").wait_for()  # until there is a kernel, "Run All Cells" runs none
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.locator(".tp-drop").wait_for(timeout=5 * TIMEOUT)  # the cells above it measure first
        answer(page, files["thumbnail0.png"])
        rows(page).first.wait_for(timeout=5 * TIMEOUT)  # and those below it go on measuring
        assert page.get_by_role("img", name="confidence:").first.is_visible()
