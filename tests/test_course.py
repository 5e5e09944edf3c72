import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import papermill
import pytest
from sklearn.metrics import accuracy_score

from conftest import write_class_folders
from truthpixel_utils import cli, course, data, model, parameters, reuse
from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import KEYS

SMALL = (
    "-p limit 160 -p image_size 32 -p epochs_phase1 2 -p epochs_phase2 2 -p weights lite0 "
    "-p examined 2"
).split()
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
    assert "IPKernelApp" not in done.stderr  # a kernel that is told to end may complain
    return home, done.stdout


def test_every_artefact_is_there_and_the_table_ends_the_run(finished):
    home, said = finished
    for name, files in course.ARTEFACTS.items():
        assert f"  {name} " in said
        for file in files:
            assert (home / "outputs" / file).exists()
        assert (home / "outputs" / "notebooks" / f"{name}.ipynb").exists()
    for key in KEYS:
        assert len(list((home / "outputs/gradcam").glob(f"{key}_*.png"))) == 10
    figures = json.loads((home / "outputs/metrics.json").read_text())
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc"):
        assert f"{figures[name]:.4f}" in said
    schema = json.loads((reuse.PACKAGE / "evaluate/metrics.schema.json").read_text())
    jsonschema.validate(figures, schema)
    assert len(figures) == 13  # every headline, and what notebook 5 adds
    predictions = pd.read_parquet(home / "outputs/predictions.parquet")
    assert figures["accuracy"] == accuracy_score(predictions["label"], predictions["p_ai"] >= 0.5)
    assert "Traceback" not in said and "WARNING" not in said


def test_a_second_run_reuses_everything_and_says_so(finished):
    home, _ = finished
    left_by_a_killed_run = home / "outputs/notebooks/.0a1b2c3d-01_data.ipynb"
    left_by_a_killed_run.write_text("half")
    start = time.perf_counter()
    again = truthpixel(home)
    assert again.stdout.count("reused") == len(course.ARTEFACTS)
    assert time.perf_counter() - start < 30
    assert not left_by_a_killed_run.exists()


def test_a_lost_artefact_is_made_again_and_only_what_depends_on_it(finished):
    home, _ = finished
    lost = home / "outputs/plots/training_curves_phase1.png"
    before = lost.read_bytes()
    lost.unlink()
    said = truthpixel(home).stdout
    assert said.count("reused") == len(course.ARTEFACTS) - 1
    assert lost.read_bytes() == before


def test_a_killed_course_started_again_ends_with_the_same_detector(finished, tmp_path):
    home, _ = finished
    environment = {**os.environ, "TRUTHPIXEL_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, "--from", "03", "--to", "04"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoint = tmp_path / "outputs/checkpoints/phase2"
    training = checkpoint / "recipe.json"
    while not training.exists() and process.returncode is None:  # until training has begun
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    assert process.returncode is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "outputs/models/truthpixel_final.keras").exists()
    assert truthpixel(tmp_path, "--from", "03", "--to", "04").returncode == 0
    final = [folder / "outputs/models/truthpixel_final.json" for folder in (tmp_path, home)]
    # The rule is chosen from what the detector says of every validation image.
    assert final[0].read_bytes() == final[1].read_bytes()
    again, once = (model.load_detector(path.with_suffix(".keras")).get_weights() for path in final)
    assert all((a == b).all() for a, b in zip(again, once, strict=True))


def test_a_notebook_without_its_inputs_says_which_notebook_makes_them(home):
    done = truthpixel(home, "--from", "04", "--to", "04")
    assert done.returncode == 1
    assert (
        "04_finetune stopped" in done.stderr
        and "run notebooks/03_train_phase1.ipynb first" in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_wrong_names_are_told_in_one_sentence(home, capsys):
    with pytest.raises(
        TruthPixelError,
        match="unknown parameter batchsize: the notebooks know batch_norm, batch_size,",
    ):
        course.run(parameters={"batchsize": 3})
    with pytest.raises(TruthPixelError, match="they are numbered 01 to 07"):
        course.run(first="08")
    with pytest.raises(TruthPixelError, match="they are numbered 01 to 07"):
        course.run(last="x")
    assert cli.main(["course", "-p", "source", "/nowhere", "--to", "01"]) == 1
    assert "/nowhere is not a folder" in capsys.readouterr().err


def test_plain_papermill_works_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = str(course.NOTEBOOKS / "01_data.ipynb")
    done = papermill.execute_notebook(notebook, "out.ipynb", {"limit": 400}, progress_bar=False)
    printed = [
        o["data"]["text/plain"] for c in done.cells for o in c.get("outputs", []) if "data" in o
    ]
    table = "real ai total train 140 140 280 validation 30 30 60 test 30 30 60".split()
    assert any(text.split() == table for text in printed)


def test_another_parameter_reruns_only_what_reads_it(finished):
    home, _ = finished
    said = truthpixel(home, "-p", "epochs_phase2", "1", "--to", "04").stdout
    assert [name for name in course.ARTEFACTS if f"{name:16} reused" in said] == [
        "01_data",
        "02_model",
        "03_train_phase1",
    ]


def test_images_of_other_generators_and_start_weights_count_as_inputs(tmp_path):
    folder = write_class_folders(tmp_path / "others", 1)
    weights = tmp_path / "start.weights.h5"
    weights.write_bytes(b"1")
    chosen = {"others": str(folder), "weights": str(weights)}

    def keys():
        hashes = []
        for name in ("01_data", "02_model", "05_evaluate"):
            own = parameters.own_parameters(name, chosen)
            hashes.append(reuse.input_hash(name, own, (), tmp_path))
        return hashes

    before = keys()
    assert keys() == before
    (folder / "test/FAKE/0000.png").write_bytes(b"another")
    between = keys()
    weights.write_bytes(b"22")
    after = keys()
    # each counts for the notebook that reads it, and for no other
    assert np.equal(before, between).tolist() == [False, True, False]
    assert np.equal(between, after).tolist() == [True, False, True]


def test_quick_without_cifake_and_network_says_what_it_needs(home, monkeypatch, capsys):
    monkeypatch.setattr(sources, "_hub_answers", lambda: False)
    assert cli.main(["course", "--profile", "quick"]) == 1
    assert (
        "put it into data/cifake, or name its folder in TRUTHPIXEL_CIFAKE"
        in capsys.readouterr().err
    )


def test_a_detector_is_not_tested_on_rows_it_was_trained_on(finished):
    home, _ = finished
    done = truthpixel(home, "--from", "05", "--to", "05", "-p", "seed", "7")
    assert done.returncode == 1 and "trained on other images" in done.stderr


def test_the_course_runs_on_pictures_and_fuses_two_views_of_them(
    home, pictures, monkeypatch, capsys
):
    small = {"image_size": 32, "views": 1, "epochs_phase1": 1, "epochs_phase2": 1}
    monkeypatch.setitem(course.BESIDE, "pictures-best", {"view": "whole", **small})
    given = {"source": str(pictures), **small, "image_size": 64, "examined": 4}
    figures = course.run("pictures-best", given)
    test = data.load_splits(pictures)["test"]
    assert figures["images"] == len(test)
    detector = model.load_detector(output_dir=home / "outputs")
    assert model.views_of(detector) == (("whole", 32), ("windows", 64))
    said = capsys.readouterr().out
    assert said.index("whole:   03_train_phase1") < said.index("  01_data")
    course.run("pictures-best", given)
    assert capsys.readouterr().out.count("reused") == len(course.ARTEFACTS) + 2
