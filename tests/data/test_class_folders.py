"""Folders as people have them: what is read of them, as what, and what is said of the rest."""

import os

import numpy as np
import pytest
from PIL import Image

from conftest import picture
from truthpixel_utils import data
from truthpixel_utils.errors import TruthPixelError


def write(folder, names, kind="PNG", seed=0):
    """One image a name, each another."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        number = seed + 1000 * len(list(folder.rglob("*"))) + sum(map(ord, str(folder)))
        Image.fromarray(picture(number, True)).save(folder / name, kind)


def numbered(count, suffix=".png"):
    return [f"{i:03d}{suffix}" for i in range(count)]


@pytest.fixture
def two_classes(tmp_path):
    for name in ("REAL", "FAKE"):
        write(tmp_path / name, numbered(10))
    return tmp_path


def counted(folder, split="all"):
    """Real and AI-generated images that are read."""
    table = data.summary(data.load_splits(folder, split))
    return table.loc["test", ["real", "ai"]].tolist()


@pytest.mark.parametrize(
    "real, fake",
    [
        ("Real", "fAKE"),
        ("0_real", "1_fake"),
        ("nature", "ai"),
        ("human", "AI"),
        ("real", "AI_Generated"),
        ("Real ", "synthetic"),
    ],
)
def test_classes_go_by_many_names(tmp_path, real, fake):
    write(tmp_path / real, numbered(3))
    write(tmp_path / fake, numbered(4))
    assert counted(tmp_path) == [3, 4]


@pytest.mark.parametrize("name", ["0", "class_1", "images", "unreal"])
def test_a_name_that_says_nothing_is_not_guessed_at(tmp_path, name):
    write(tmp_path / "REAL", ["a.png"])
    write(tmp_path / name, ["a.png"])
    with pytest.raises(TruthPixelError, match=f"unknown: {name}. Known: real, nature"):
        data.load_splits(tmp_path)


@pytest.mark.parametrize(
    "training, test", [("train", "test"), ("Training", "Testing"), ("TRAIN", "Test")]
)
@pytest.mark.parametrize("layout", ["{part}/{name}", "{name}/{part}", "{name}/gallery/{part}"])
def test_parts_stand_above_the_classes_or_inside_them(tmp_path, layout, training, test):
    for name in ("REAL", "FAKE"):
        write(tmp_path / layout.format(part=training, name=name), numbered(20))
        write(tmp_path / layout.format(part=test, name=name), numbered(5))
    splits = data.load_splits(tmp_path, "official")
    assert data.summary(splits)["total"].tolist() == [34, 6, 10]
    assert all(name.startswith("test/") for name in splits["test"]["id"])
    assert not {"train", "test", training, test} & set(splits["test"]["generator"])


def test_dev_is_a_part_for_validation(tmp_path, capsys):
    for part in ("training", "dev", "test"):
        for name in ("nature", "ai"):
            write(tmp_path / part / name, numbered(2))
    assert data.summary(data.load_splits(tmp_path))["total"].tolist() == [4, 4, 4]
    said = capsys.readouterr().out
    assert 'the three parts in which the data came (split="truthpixel" is for data that' in said


def test_a_folder_of_locomotives_is_no_part(tmp_path):
    for name in ("0_real", "1_fake"):
        for thing in ("airplane", "train"):
            write(tmp_path / name / thing, numbered(4))
    rows = data.load_all(tmp_path)
    assert set(rows["source"]) == {"airplane", "train"}
    assert all(name.startswith("all/") for name in rows["id"])


def test_parts_in_one_class_alone_are_refused_in_one_sentence(tmp_path):
    for part in ("train", "test"):
        write(tmp_path / "REAL" / part, numbered(3))
    write(tmp_path / "FAKE" / "gan", numbered(3))
    with pytest.raises(TruthPixelError, match="test and train inside some class folders"):
        data.load_splits(tmp_path)


def test_images_of_two_folders_for_one_part_have_their_own_ids(tmp_path):
    for part in ("val", "dev"):
        for name in ("REAL", "FAKE"):
            write(tmp_path / part / name, numbered(2))
    ids = data.load_all(tmp_path)["id"][:]
    assert len(ids) == len(set(ids)) == 8


@pytest.mark.parametrize(
    "left_there", ["__MACOSX/REAL", "__MACOSX", ".ipynb_checkpoints", "REAL/.ipynb_checkpoints"]
)
def test_what_programs_leave_is_passed_over(two_classes, left_there, capsys):
    write(two_classes / left_there, ["000-checkpoint.png"])
    (two_classes / "REAL/._000.png").write_bytes(b"Mac OS X")
    (two_classes / "FAKE/.DS_Store").write_bytes(b"Mac OS X")
    assert counted(two_classes) == [10, 10]
    assert "Left out" not in capsys.readouterr().out


def test_links_to_folders_are_followed_and_those_to_nowhere_counted(tmp_path, capsys):
    write(tmp_path / "elsewhere" / "photographs", numbered(5))
    write(tmp_path / "elsewhere" / "made", numbered(6))
    root = tmp_path / "data"
    (root / "FAKE").mkdir(parents=True)
    (root / "REAL").symlink_to(tmp_path / "elsewhere/photographs")
    (root / "FAKE/sd").symlink_to(tmp_path / "elsewhere/made")
    (root / "FAKE/gone.png").symlink_to(tmp_path / "gone.png")
    (root / "FAKE/again").symlink_to(root)  # leads back
    assert counted(root) == [5, 6]
    assert "Left out: 1 link to nowhere (FAKE/gone.png)." in capsys.readouterr().out


def test_a_folder_may_be_called_like_an_image(two_classes):
    (two_classes / "REAL/empty.jpg").mkdir()
    write(two_classes / "REAL/album.jpg", numbered(2))
    assert counted(two_classes) == [12, 10]


def test_a_pipe_keeps_nobody_waiting(two_classes, capsys):
    os.mkfifo(two_classes / "REAL/pipe.png")
    assert counted(two_classes) == [10, 10]
    assert "1 file of another kind (REAL/pipe.png)" in capsys.readouterr().out


@pytest.mark.parametrize("beside", ["contact.png", "train/contact.png"])
def test_images_beside_the_class_folders_are_left_out_and_counted(two_classes, beside, capsys):
    write((two_classes / beside).parent, ["contact.png"])
    (two_classes / "labels.csv").write_text("a note that is none of the images")
    assert counted(two_classes) == [10, 10]
    said = capsys.readouterr().out
    assert f"Left out: 1 image beside the class folders ({beside})." in said


def test_images_are_known_by_what_is_in_them(tmp_path, capsys):
    for name in ("REAL", "FAKE"):
        for kind, suffix in (("JPEG", ".jfif"), ("JPEG", ""), ("WEBP", ".webp_large")):
            write(tmp_path / name, numbered(10, suffix), kind)
        (tmp_path / name / "caption.txt").write_text("BM, said the cat")
    assert counted(tmp_path) == [30, 30]
    said = capsys.readouterr().out
    assert "2 files of another kind (FAKE/caption.txt, REAL/caption.txt)" in said


@pytest.mark.parametrize("inner", ["archive", "archive/cifake/train", "progan/train"])
def test_a_folder_too_high_is_told_which_one_is_meant(tmp_path, inner):
    for name in ("REAL", "FAKE"):
        write(tmp_path / inner / name, ["a.png"])
    meant = str(tmp_path / inner).removesuffix("/train")
    with pytest.raises(TruthPixelError, match=f"Class folders are in {meant}: name that one"):
        data.load_splits(tmp_path)


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "cifake.zip").write_bytes(b"PK")
    with pytest.raises(TruthPixelError, match="no images but cifake.zip: unpack it"):
        data.load_splits(tmp_path)
    with pytest.raises(TruthPixelError, match="cifake.zip is an archive: unpack it"):
        data.load_splits(tmp_path / "cifake.zip")


def test_a_folder_of_damaged_images_alone_is_told_of(tmp_path):
    for name in ("REAL", "FAKE"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"no image")
    with pytest.raises(TruthPixelError, match="none of the 2 images can be used"):
        data.load_splits(tmp_path, limit=20)


def test_a_name_may_have_bytes_that_are_no_letters(two_classes, capsys):
    for folder in ("FAKE/caf\udce9", "FAKE/猫"):  # the first is Latin-1, out of an old archive
        write(two_classes / folder, ["na\udcefve.png"])
        (two_classes / folder / "lost\udcff.png").symlink_to("nowhere")
    assert counted(two_classes) == [10, 12]
    assert set(data.load_all(two_classes)["generator"]) >= {"caf\\udce9", "猫"}
    assert "2 links to nowhere (FAKE/caf\\udce9/lost\\udcff.png" in capsys.readouterr().out


def test_ids_and_labels_of_a_plain_folder_stay_what_they_were(two_classes):
    """Trained detectors are recorded with the ids of their images."""
    rows = data.load_all(two_classes)
    assert rows["id"][:2] == ["all/FAKE/000.png", "all/FAKE/001.png"]
    assert np.bincount(rows["label"]).tolist() == [10, 10]
