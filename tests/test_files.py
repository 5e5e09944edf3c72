"""Disks that are full, read-only or in use, and what is left there when a process is ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from conftest import RULE, write_class_folders
from truthpixel_utils import cli, evaluate, files, model, plots
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.locks import alone_in

# A disk is full for one process when no file may have more than so many bytes.
ON_A_FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
from truthpixel_utils import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def on_a_full_disk(room, *arguments):
    command = [sys.executable, "-c", ON_A_FULL_DISK.replace("{bytes}", str(room)), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def read_only(tmp_path):
    """A folder that takes no files, not even root's."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    if os.geteuid() != 0:
        return folder
    if not os.path.isdir("/sys/kernel"):
        pytest.skip("needs a folder that root cannot write to")
    return Path("/sys/kernel")


def test_what_is_on_a_read_only_disk_is_told_in_one_sentence(read_only, capsys):
    for arguments in (
        ["course", "-p", "output_dir"],
        ["evaluate", "--model", "cifake", "--out"],
        ["explain", __file__, "--out"],
    ):
        assert cli.main([*arguments, str(read_only / "figures")]) == 1
        said = capsys.readouterr().err.strip()
        assert "figures: nothing can be written there (" in said and len(said.splitlines()) == 1


def test_a_file_written_to_a_read_only_disk_is_named(read_only):
    with pytest.raises(TruthPixelError, match=r"figures.csv cannot be written \(.*\): make room"):
        plots.keep(pd.DataFrame({"a": [1]}), read_only / "figures")


def test_an_error_in_what_is_read_meanwhile_is_not_blamed_on_the_file(tmp_path):
    with (
        pytest.raises(PermissionError, match="other"),
        files.atomic_write(tmp_path / "a.txt"),
    ):
        raise PermissionError(13, "Permission denied", "/other/file")
    assert not list(tmp_path.iterdir())


def test_evaluate_tells_of_a_full_disk_before_it_measures(tiny, tmp_path):
    evaluated = ["evaluate", "--source", str(tiny), "--model", "cifake", "--out", str(tmp_path)]
    done = on_a_full_disk(1000, *evaluated)
    assert done.returncode == 1 and "Images: " not in done.stdout
    assert "--out is" in done.stderr and "Traceback" not in done.stderr


WRITING = """
import resource, sys
import numpy as np, pandas as pd
from truthpixel_utils import data, evaluate, plots
from truthpixel_utils.errors import TruthPixelError
folder, images = sys.argv[1:]
noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
table = pd.DataFrame({"id": map(str, range(9000)), "label": [0, 1, 1] * 3000, "p_ai": 0.5})
figures = evaluate.compute_metrics(table)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for write in (
    lambda: plots.save_figure(plots.image_grid([noise]), f"{folder}/grid.png"),
    lambda: plots.keep(table, f"{folder}/table"),
    lambda: evaluate.save_metrics(table, figures, folder),
    lambda: data.load_all(images),
):
    try:
        write()
    except TruthPixelError as error:
        print(error)
"""


def test_whatever_is_written_to_a_full_disk_is_named_and_left_off_it(tiny, tmp_path):
    out, cache = tmp_path / "out", tmp_path / "cache"
    command = [sys.executable, "-c", WRITING, str(out), str(tiny)]
    environment = {**os.environ, "HF_DATASETS_CACHE": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told = [line for line in done.stdout.splitlines() if "cannot be written (file too" in line]
    names = ("grid.png", "table.csv", "predictions.parquet")
    assert [name in line for name, line in zip(names, told, strict=True)] == [True] * 3
    [cached] = [line for line in done.stdout.splitlines() if "HF_DATASETS_CACHE is" in line]
    assert f"{cache}" in cached and "nothing can be written there (file too large)" in cached
    assert not [path for folder in (out, cache) for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def small_detector(tmp_path):
    model.build_detector("lite0", image_size=32).save(tmp_path / "small.keras")
    return str(tmp_path / "small.keras")


def test_what_was_measured_is_printed_even_if_it_cannot_be_saved(
    small_detector, tmp_path, monkeypatch, capsys
):
    source = write_class_folders(tmp_path / "images", 4)
    out = tmp_path / "found"
    (out / "predictions.parquet").mkdir(parents=True)  # nothing can take a folder's place
    arguments = ["--source", str(source), "--model", small_detector, "--out", str(out)]
    assert cli.main(["evaluate", *arguments]) == 1
    said = capsys.readouterr()
    assert "calibration error" in said.out
    assert "predictions.parquet cannot be written (is a directory)" in said.err


def test_explain_says_at_once_that_its_folder_is_a_file(tmp_path, capsys):
    (tmp_path / "out.png").write_bytes(b"mine")
    assert cli.main(["explain", __file__, "--out", str(tmp_path / "out.png")]) == 1
    assert "out.png: nothing can be written there (it is a file)" in capsys.readouterr().err
    assert (tmp_path / "out.png").read_bytes() == b"mine"


def test_a_file_larger_than_the_disk_is_refused_before_it_is_begun(tmp_path):
    files.require_room(tmp_path / "cache", 1)
    with pytest.raises(TruthPixelError, match=r"and 1,000,000,000,000 MB are needed: make room"):
        files.require_room(tmp_path / "cache", 10**18)


def test_two_runs_do_not_share_a_folder(tmp_path):
    script = (
        "import sys; from truthpixel_utils.locks import alone_in\n"
        "with alone_in(sys.argv[1], 'course'): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdout.readline() == "in\n"
        words = f"another course is at work in {tmp_path}: wait until it has ended, or name another"
        with pytest.raises(TruthPixelError, match=words), alone_in(tmp_path, "course"):
            pass
        with alone_in(tmp_path, "evaluation"):
            pass
        first.send_signal(signal.SIGKILL)
    with alone_in(tmp_path, "course"):  # the lock of one who was killed keeps nobody out
        pass


def test_two_courses_and_two_evaluations_do_not_share_a_folder(tiny, home, capsys):
    with alone_in("outputs", "course"), alone_in("outputs/evaluation", "evaluation"):
        assert cli.main(["course"]) == 1
        assert "another course is at work" in capsys.readouterr().err
        assert cli.main(["evaluate", "--source", str(tiny), "--model", "cifake"]) == 1
        assert "another evaluation is at work" in capsys.readouterr().err


ENDED = """
import os, signal, sys
from truthpixel_utils import cli, course
from truthpixel_utils.files import atomic_write

def write(*arguments):
    with atomic_write(sys.argv[1]) as part:
        part.write_text("half")
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
        part.write_text("never")

course.run = write
cli.main(["course"])
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_process_that_is_told_to_end_leaves_nothing_half_written(tmp_path, name):
    command = [sys.executable, "-c", ENDED, str(tmp_path / "01_data.ipynb"), name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 128 + getattr(signal, name) and done.stderr == ""
    assert not list(tmp_path.iterdir())


def test_leftovers_are_known_by_their_names(tmp_path):
    left = tmp_path / ".0a1b2c3d-01_data.ipynb"
    for path in (left, tmp_path / ".mine-01_data.ipynb", tmp_path / ".0a1b2c3d-02_model.ipynb"):
        path.write_text("half")
    assert files.leftovers(tmp_path / "01_data.ipynb") == [left]


def test_the_model_is_looked_for_before_the_images_are_read(home, capsys):
    assert cli.main(["evaluate", "--source", "auto", "--model", "missing.keras"]) == 1
    said = capsys.readouterr()
    assert "missing.keras is no file" in said.err and "Images: " not in said.out
    assert "notebook" not in said.err


def test_a_test_that_lies_wholly_in_training_is_called_so(small_detector, tmp_path, capsys):
    source = write_class_folders(tmp_path / "images", 8)
    for name in ("REAL", "FAKE"):
        for i in range(8):
            twin = source / "test" / name / f"{i:04d}.png"
            twin.write_bytes((source / "train" / name / f"{i:04d}.png").read_bytes())
    arguments = ["--source", str(source), "--model", small_detector, "--split", "official"]
    assert cli.main(["evaluate", *arguments, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "of 16 test images, every real one stands in training or validation too" in said


def test_a_detector_without_its_rule_is_told_what_is_missing(small_detector, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"any")
    arguments = ["explain", str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]
    assert cli.main([*arguments, "--model", small_detector]) == 1
    said = capsys.readouterr().err
    assert "small.json is missing: the rule that makes a verdict of what small.keras says" in said


def test_a_verdict_is_printed_even_if_its_figure_cannot_be_saved(home, tmp_path, capsys):
    evaluate.save_finished(model.build_detector("lite0", image_size=32), RULE)
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    (tmp_path / "out/a_gradcam.png").mkdir(parents=True)
    out = ["--out", str(tmp_path / "out")]
    assert cli.main(["explain", str(tmp_path / "a.png"), *out]) == 1
    said = capsys.readouterr()
    assert (
        "a.png: cannot tell" in said.out and "a_gradcam.png cannot be written (is a dir" in said.err
    )


def test_explain_does_not_explain_its_own_figures(home, tmp_path, monkeypatch, capsys):
    evaluate.save_finished(model.build_detector("lite0", image_size=32), RULE)
    album = tmp_path / "album"
    (album / ".ipynb_checkpoints").mkdir(parents=True)
    for name in ("a.png", ".ipynb_checkpoints/a-checkpoint.png"):
        Image.new("RGB", (32, 32)).save(album / name)
    monkeypatch.chdir(album)
    for _ in range(2):
        assert cli.main(["explain", "."]) == 0
    assert [path.name for path in (album / "explained").iterdir()] == ["a_gradcam.png"]
    assert cli.main(["explain", "explained"]) == 0  # asked for by name
