import ast

import papermill
import pytest

from conftest import write_class_folders
from truthpixel_utils import cli, course, parameters, profiles
from truthpixel_utils.data.splits import KINDS
from truthpixel_utils.data.windows import VIEWS
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PROJECT
from truthpixel_utils.model import COURSE, PACKAGED
from truthpixel_utils.train.recipes import RECIPES


@pytest.fixture
def nothing_may_run(monkeypatch):
    """A course that would begin to run fails."""

    def begun(*arguments, **options):
        pytest.fail("a notebook was begun")

    monkeypatch.setattr(papermill, "execute_notebook", begun)


@pytest.mark.parametrize(
    "name, typed, words",
    [
        ("image_size", "big", "image_size is 'big': expected a whole number of at least 32"),
        ("image_size", "31", "image_size is 31: expected"),
        ("limit", "1.5e3", "limit is 1500.0: expected a whole number of at least 20, or None"),
        ("limit", "True", "limit is True: expected"),
        ("seed", "abc", "seed is 'abc': expected a whole number from 0 to"),
        ("seed", "-1", "seed is -1: expected"),
        ("seed", "4294967296", "seed is 4294967296: expected"),
        ("source", "42", "source is 42: expected sample, auto, hub, or the path of a folder"),
        ("source", "42", "(For a folder of this name: ./42.)"),
        ("source", "None", "source is None: expected"),
        ("output_dir", "5", "output_dir is 5: expected the path of a folder"),
        ("output_dir", "[1, 2]", "output_dir is [1, 2]: expected"),
        ("output_dir", " ", "output_dir is ' ': expected"),
        ("split", "sideways", 'split is \'sideways\': expected one of "truthpixel", "random"'),
        ("split", "1", "split is 1: expected one of"),
        ("batch_size", "0", "batch_size is 0: expected a whole number of at least 1"),
        ("views", "two", "views is 'two': expected"),
        ("epochs_phase1", "0", "epochs_phase1 is 0: expected"),
        ("epochs_phase2", "[[64, 10], 96]", "epochs_phase2 is [[64, 10], 96]: expected"),
        ("epochs_phase2", "[]", "epochs_phase2 is []: expected a whole number"),
        ("lr_phase1", "1e-3s", "lr_phase1 is '1e-3s': expected a number above 0"),
        ("lr_phase2", "-1", "lr_phase2 is -1: expected a number above 0"),
        ("weights", "no.h5", 'weights is \'no.h5\': expected one of "auto", "imagenet"'),
        ("unfreeze_layers", "some", "unfreeze_layers is 'some': expected"),
        ("batch_norm", "true", "batch_norm is 'true': expected True or False"),
        ("recipe", "secret", 'recipe is \'secret\': expected one of "gentle", "strong"'),
        ("view", "windows, please", "view is 'windows, please': expected one of"),
        ("beside", "a.keras", "beside is 'a.keras': expected a list of paths"),
        ("others", "nowhere", "others is 'nowhere': expected None, or the path of a folder"),
        ("examined", "few", "examined is 'few': expected"),
        ("model_file", "no.keras", "model_file is 'no.keras': expected None, one of"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_before_anything_runs(
    home, capsys, nothing_may_run, name, typed, words
):
    assert cli.main(["course", "-p", name, typed]) == 1
    said = capsys.readouterr().err.strip()
    assert words in said and len(said.splitlines()) == 1
    assert not (home / "outputs").exists()


def test_every_parameter_of_the_notebooks_has_a_rule_and_a_default_that_fits():
    for name in course.ARTEFACTS:
        found = papermill.inspect_notebook(str(course.NOTEBOOKS / f"{name}.ipynb"))
        defaults = {key: ast.literal_eval(facts["default"]) for key, facts in found.items()}
        assert defaults.keys() <= parameters.RULES.keys()
        parameters.check_parameters(defaults)


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_every_profile_fits(profile):
    parameters.check_parameters(profiles.PROFILES[profile])
    parameters.check_parameters(profiles.BESIDE.get(profile, {}))


def test_the_names_are_those_of_the_chapters():
    assert parameters.SPLITS == KINDS
    assert parameters.VIEWS == VIEWS
    assert set(parameters.RECIPES) == set(RECIPES)
    assert set(parameters.DETECTORS) == {*PACKAGED, COURSE}


@pytest.mark.parametrize("inside", [".", "notebooks", "truthpixel_utils/data", "data/../tests/x"])
def test_the_course_writes_nothing_over_its_own_files(nothing_may_run, inside, capsys):
    folder = PROJECT / inside
    assert cli.main(["course", "-p", "output_dir", str(folder)]) == 1
    assert "where the course itself lies. Name a folder" in capsys.readouterr().err


def test_notebooks_that_no_run_has_left_are_not_written_over(home, nothing_may_run, capsys):
    theirs = home / "clone/notebooks/03_train_phase1.ipynb"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert cli.main(["course", "-p", "output_dir", "clone"]) == 1
    said = capsys.readouterr().err
    assert "03_train_phase1.ipynb was not left there by a run of the course" in said


def test_figures_are_not_left_among_the_images(tmp_path, nothing_may_run, capsys):
    write_class_folders(tmp_path, 1)
    inside = ["-p", "source", str(tmp_path), "-p", "output_dir", str(tmp_path / "out")]
    assert cli.main(["course", *inside]) == 1
    assert "in the folder of the images" in capsys.readouterr().err


def test_a_file_is_no_output_folder(home, nothing_may_run):
    (home / "notes.txt").write_text("mine")
    with pytest.raises(TruthPixelError, match=r"output_dir is .*notes.txt: .*\(it is a file\)"):
        course.run(parameters={"output_dir": "notes.txt"})
    with pytest.raises(TruthPixelError, match=r"notes.txt is a file\)"):
        course.run(parameters={"output_dir": "notes.txt/out"})
    assert (home / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", [None, "cifake", "pictures", "course"])
def test_every_detector_can_be_named(name):
    parameters.check_parameters({"model_file": name})
