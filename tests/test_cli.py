import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from conftest import RULE, write_class_folders
from truthpixel_utils import __version__, cli, course, demo, evaluate, model, plots


@pytest.fixture
def trained(home):
    """An output folder in which notebook 4 left a detector."""
    evaluate.save_finished(model.build_detector("lite0", image_size=32), RULE)
    return home


def saved(folder, name, size, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").convert(mode).save(folder / name)
    return str(folder / name)


def test_explain_draws_images_of_any_size_and_kind(trained, tmp_path, capsys):
    files = [
        saved(tmp_path, "dot.png", (1, 1)),
        saved(tmp_path, "thumbnail.png", (32, 32)),
        saved(tmp_path, "grey.png", (40, 50), "L"),
        saved(tmp_path, "transparent.png", (50, 40), "RGBA"),
        saved(tmp_path, "price_$5_and_$6.jpg", (300, 200)),
        saved(tmp_path, "large.jpg", (4000, 3000)),
    ]
    assert cli.main(["explain", *files, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    for file in files:
        stem = file.rpartition("/")[2].rpartition(".")[0]
        assert f"{stem}." in said
        with Image.open(tmp_path / "out" / f"{stem}_gradcam.png") as figure:
            assert figure.size[0] > 600
    assert "large.jpg: cannot tell, " in said  # never accused
    assert cli.main(["explain", files[-1], "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "cannot tell\n  This picture has 4000 × 3000 pixels" in said and "p_ai" not in said
    assert "Detector: cifake, from the package" in said


def test_explain_keeps_images_of_one_name_apart(trained, tmp_path, capsys):
    for folder in ("REAL", "FAKE"):
        (tmp_path / folder).mkdir()
    files = [saved(tmp_path / folder, "0001.png", (32, 32)) for folder in ("REAL", "FAKE")]
    assert cli.main(["explain", *files, "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_explain_says_which_image_it_could_not_read_and_goes_on(trained, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and no more")
    (tmp_path / "empty.jpg").write_bytes(b"")
    good = saved(tmp_path, "good.png", (32, 32))
    bad = [
        str(tmp_path / "broken.png"),
        str(tmp_path / "empty.jpg"),
        str(tmp_path / "nowhere.jpg"),
    ]
    assert (
        cli.main(["explain", *bad, good, "--out", str(tmp_path / "out"), "--method", "layercam"])
        == 1
    )
    out, err = capsys.readouterr()
    for words in (
        "broken.png is not an image",
        "empty.jpg is empty",
        "nowhere.jpg cannot be read",
    ):
        assert words in err
    assert "Traceback" not in err and len(err.strip().splitlines()) == 3
    assert (tmp_path / "out" / "good_layercam.png").exists() and "good.png: " in out


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--method", "magic"], "expected gradcam, gradcam++"),
        (["--colours", "beige"], "no colour map beige"),
    ],
)
def test_explain_tells_what_it_does_not_know_in_one_sentence(
    trained, tmp_path, capsys, option, words
):
    assert cli.main(["explain", saved(tmp_path, "a.png", (32, 32)), *option]) == 1
    err = capsys.readouterr().err
    assert words in err and len(err.strip().splitlines()) == 1


def test_explain_has_the_colours_of_the_course(capsys):
    assert cli.main(["explain", "--help"]) == 0
    assert f"[default: {plots.HEAT}]" in " ".join(capsys.readouterr().out.split())


def test_explain_has_jets_colours_on_request(trained, tmp_path):
    (tmp_path / "a.png").write_bytes(dict(demo.load_examples())["real_thumbnail.jpg"])
    image = str(tmp_path / "a.png")
    for colours in ("viridis", "jet"):
        cli.main(["explain", image, "--colours", colours, "--out", str(tmp_path / colours)])
    drawn = [
        np.asarray(Image.open(tmp_path / colours / "a_gradcam.png"))
        for colours in ("viridis", "jet")
    ]
    assert (drawn[0] != drawn[1]).any()


def test_a_relative_folder_for_explanations_starts_where_one_stands(trained, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    saved(here, "a.png", (32, 32))
    monkeypatch.chdir(here)
    assert cli.main(["explain", "a.png", "--out", "figures"]) == 0
    assert (here / "figures" / "a_gradcam.png").exists()


def test_evaluate_looks_in_one_folder_and_writes_to_another(home, capsys):
    evaluate.save_finished(model.build_detector("lite0", image_size=32), RULE, "mine")
    source = write_class_folders(home / "images", 4)
    found = ["--output-dir", "mine", "--out", "figures"]
    assert cli.main(["evaluate", "--source", str(source), *found]) == 0
    assert (home / "figures" / "metrics.json").exists()
    assert "the one in the package" not in capsys.readouterr().out
    assert not (home / "mine" / "metrics.json").exists()


def test_help_and_version_are_told(capsys):
    assert cli.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ("course", "evaluate", "explain", "demo", "cache"))
    assert cli.main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["explain"],
        ["course", "--profile", "huge"],
        ["course", "-p", "limit"],
        ["evaluate", "--limit", "many"],
        ["cache", "--no-such-flag"],
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense_give_status_two(arguments, capsys):
    assert cli.main(arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_parameters_are_read_as_python_reads_them(monkeypatch):
    given = []
    monkeypatch.setattr(course, "run", lambda *arguments: given.extend(arguments))
    words = "--profile quick -p limit -1 -p lr_phase1 1e-4 -p weights None -p source a/b --to 05"
    stages = ["-p", "epochs_phase2", "[[64, 10]]"]
    assert cli.main(["course", *words.split(), *stages]) == 0
    parameters = {
        "limit": -1,
        "lr_phase1": 1e-4,
        "weights": None,
        "source": "a/b",
        "epochs_phase2": [[64, 10]],
    }
    assert given == ["quick", parameters, None, "05"]


def test_ctrl_c_ends_a_command_with_a_sentence(monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "run", interrupted)
    assert cli.main(["course"]) == 130
    assert capsys.readouterr().err == "\nStopped. The same command goes on from here.\n"


def test_a_file_that_ends_early_is_not_taken_for_ctrl_c(monkeypatch):
    def damaged(*arguments):
        raise EOFError("No data left in file")

    monkeypatch.setattr(course, "run", damaged)
    with pytest.raises(EOFError, match="No data left"):
        cli.main(["course"])


def test_help_loads_nothing_that_takes_time():
    script = """
import sys
from truthpixel_utils.cli import main
main(["--help"])
print(*{"numpy", "pandas", "matplotlib", "datasets", "IPython", "papermill"} & sys.modules.keys())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_explain_takes_a_folder_and_tells_how_far_it_is(trained, tmp_path, capsys):
    (tmp_path / "album").mkdir()
    for name in ("a.png", "b.jpg", "c.webp"):
        saved(tmp_path / "album", name, (32, 32), "RGB")
    (tmp_path / "album/notes.txt").write_text("no image")
    assert cli.main(["explain", str(tmp_path / "album"), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "[1/3] a.png: " in said and "[3/3] c.webp: " in said and "notes" not in said
    (tmp_path / "empty").mkdir()
    assert cli.main(["explain", str(tmp_path / "empty")]) == 1
    assert "empty holds no JPG, PNG, WebP" in capsys.readouterr().err


def test_a_detector_of_the_course_answers_only_where_it_is_asked_for(trained, tmp_path, capsys):
    image = saved(tmp_path, "thumbnail.png", (32, 32))
    rule = evaluate.load_rule()
    evaluate.save_finished(model.build_detector("lite0", image_size=32, seed=1), rule)
    asked = {}
    for name in (None, "cifake", "course"):
        report = demo.load_analyzer(name)(Path(image).read_bytes(), "thumbnail.png")
        asked[name] = report.detector, report.p_ai
    assert asked[None] == asked["cifake"] and asked[None][0] == "cifake, from the package"
    assert asked["course"][0] == "trained by the course" and asked["course"] != asked[None]


def test_a_course_that_was_not_run_has_no_detector_to_ask(home, tmp_path, capsys):
    image = saved(tmp_path, "thumbnail.png", (32, 32))
    assert cli.main(["explain", image, "--model", "course"]) == 1
    assert "run notebooks/04_finetune.ipynb first" in capsys.readouterr().err


def test_the_demo_says_that_its_port_is_taken_before_it_gives_an_address(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["demo", "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert f"cannot listen on 127.0.0.1:{port} (address already in use)" in said.err
    assert "http" not in said.out
    assert cli.main(["demo", "--port", "99999"]) == 2
    assert "99999 is not in the range" in capsys.readouterr().err


def test_explain_tells_what_the_file_says_of_its_origin_first(trained, tmp_path, capsys):
    info = PngInfo()
    info.add_text("parameters", "a castle, Steps: 20, Sampler: Euler")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "castle.png", pnginfo=info)
    plain = saved(tmp_path, "plain.png", (32, 32))
    castle, out = str(tmp_path / "castle.png"), ["--out", str(tmp_path / "out")]
    assert cli.main(["explain", castle, *out]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert "castle.png: Made by AI (AUTOMATIC1111 or similar), says the file" in first
    assert "easily added or removed" in first and "; The detector says: " in first
    assert "  PNG text parameters: a castle, Steps: 20, Sampler: Euler" in others
    assert cli.main(["explain", castle, plain, *out]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "[1/2] castle.png: Made by AI" in first and "says" not in second


def test_explain_writes_what_it_found_for_other_programs(trained, tmp_path):
    names = ["a.png", "b.png"]
    files = [saved(tmp_path, name, (32, 32)) for name in names]
    (tmp_path / "broken.png").write_bytes(b"no image")
    targets = {kind: tmp_path / f"answers.{kind}" for kind in ("json", "csv")}
    options = [word for kind, path in targets.items() for word in (f"--{kind}", str(path))]
    images = [*files, str(tmp_path / "broken.png")]
    assert cli.main(["explain", *images, "--out", str(tmp_path / "out"), *options]) == 1
    found = json.loads(targets["json"].read_text(encoding="utf-8"))
    table = pd.read_csv(targets["csv"])
    assert [one["name"] for one in found] == names == table["name"].tolist()
    assert {one["detector"] for one in found} == {"cifake, from the package"}
    assert found[0]["truthpixel"] == __version__


def test_explain_asks_the_detector_that_is_named(trained, tmp_path, capsys):
    detector = model.build_detector("lite0", image_size=32, view="windows")
    file = evaluate.save_finished(detector, RULE, tmp_path / "mine")
    large = saved(tmp_path, "large.jpg", (400, 300))
    out = str(tmp_path / "out")
    assert cli.main(["explain", large, "--out", out]) == 0
    assert "knows thumbnails of 32" in capsys.readouterr().out  # the package's own, that is on
    assert cli.main(["explain", large, "--out", out, "--model", str(file)]) == 0
    assert "knows thumbnails" not in capsys.readouterr().out
    for command in (["explain", large], ["demo"], ["evaluate"]):
        assert cli.main([*command, "--model", str(tmp_path / "none.keras")]) == 1
        assert "none.keras is no file" in capsys.readouterr().err


@pytest.mark.parametrize("layout", [("train", "test"), ("test",), (".",)])
def test_evaluate_measures_every_image_of_a_folder(trained, tmp_path, capsys, layout):
    folder = write_class_folders(tmp_path / "mine", 12, layout)
    command = ["evaluate", "--source", str(folder), "--out", str(tmp_path / "figures")]
    assert cli.main(command) == 0
    capsys.readouterr()
    figures = json.loads((tmp_path / "figures/metrics.json").read_text())
    assert figures["images"] == 24 * len(layout)


def test_the_profile_of_pictures_asks_for_a_folder(home, capsys):
    assert cli.main(["course", "--profile", "pictures"]) == 1
    assert "-p source FOLDER" in capsys.readouterr().err
