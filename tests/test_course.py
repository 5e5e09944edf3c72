import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import papermill
import pytest
from sklearn.metrics import accuracy_score

from truthpixel_utils import course
from truthpixel_utils.files import TruthPixelError

SMALL = "-p limit 120 -p image_size 32 -p epochs_phase1 2 -p epochs_phase2 2 -p weights lite0".split()
COMMAND = [str(Path(sys.executable).with_name("truthpixel")), "course", *SMALL]


def truthpixel(home, *more):
    environment = {**os.environ, "TRUTHPIXEL_HOME": str(home)}
    return subprocess.run([*COMMAND, *more], env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small course, run from end to end by the command."""
    home = tmp_path_factory.mktemp("course")
    done = truthpixel(home)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def test_every_artefact_is_there_and_the_table_ends_the_run(finished):
    home, said = finished
    for name, files in course.MAKES.items():
        assert f"  {name} " in said
        for file in files:
            assert (home / "outputs" / file).exists()
        assert (home / "outputs" / "notebooks" / f"{name}.ipynb").exists()
    assert len(list((home / "outputs/gradcam").glob("real_*.png"))) >= 9
    figures = json.loads((home / "outputs/metrics.json").read_text())
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc"):
        assert f"{figures[name]:.4f}" in said
    predictions = pd.read_parquet(home / "outputs/predictions.parquet")
    assert figures["accuracy"] == accuracy_score(predictions["label"], predictions["p_ai"] >= 0.5)
    assert "Traceback" not in said and "WARNING" not in said


def test_a_second_run_reuses_everything_and_says_so(finished):
    home, _ = finished
    start = time.perf_counter()
    again = truthpixel(home)
    assert again.stdout.count("reused") == len(course.MAKES)
    assert time.perf_counter() - start < 30


def test_a_lost_artefact_is_made_again_and_only_what_depends_on_it(finished):
    home, _ = finished
    before = (home / "outputs/metrics.json").read_bytes()
    (home / "outputs/metrics.txt").unlink()
    said = truthpixel(home).stdout
    assert said.count("reused") == len(course.MAKES) - 1
    assert (home / "outputs/metrics.txt").exists()
    assert (home / "outputs/metrics.json").read_bytes() == before


@pytest.mark.parametrize("killed_in", ["03_train_phase1", "04_finetune"])
def test_a_killed_course_started_again_ends_with_the_same_metrics(finished, tmp_path, killed_in):
    home, _ = finished
    environment = {**os.environ, "TRUTHPIXEL_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, "--from", "03", "--to", "05"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoint = tmp_path / "outputs" / "checkpoints" / ("phase1" if killed_in.startswith("03") else "phase2")
    while not (checkpoint / "history.csv").exists() and process.returncode is None:  # until one epoch is on disk
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "outputs/metrics.json").exists()
    assert truthpixel(tmp_path, "--from", "03", "--to", "05").returncode == 0
    assert (tmp_path / "outputs/metrics.json").read_bytes() == (home / "outputs/metrics.json").read_bytes()


def test_a_notebook_without_its_inputs_says_which_notebook_makes_them(home):
    done = truthpixel(home, "--from", "05", "--to", "05")
    assert done.returncode == 1
    assert "05_evaluate stopped" in done.stderr and "run notebooks/04_finetune.ipynb first" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_names_are_told_in_one_sentence(home, capsys):
    with pytest.raises(TruthPixelError, match="unknown parameter batchsize: the notebooks know batch_size,"):
        course.run(parameters={"batchsize": 3})
    with pytest.raises(TruthPixelError, match="they are numbered 01 to 07"):
        course.run(first="08")
    assert course.main(["course", "-p", "source", "/nowhere", "--to", "01"]) == 1
    assert "/nowhere is not a folder" in capsys.readouterr().err


def test_plain_papermill_works_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    papermill.execute_notebook(str(course.NOTEBOOKS / "01_data.ipynb"), "out.ipynb", {"limit": 400}, progress_bar=False)
    assert "280" in (tmp_path / "out.ipynb").read_text()
