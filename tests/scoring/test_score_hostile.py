"""Whatever lies in a folder, every picture gets its row, and nothing ends the work."""

import os

import pytest
from archives import write_parquet, write_tar, write_zip

import truthpixel_utils
from truthpixel_utils.scoring.places import find_units


@pytest.fixture
def ruins(files, tmp_path):
    """A folder of broken files, of which two are whole pictures; what each row has to say."""
    whole = next(iter(files.values()))
    folder = tmp_path / "ruins"
    folder.mkdir()
    broken = {
        "cut.png": (whole[: len(whole) // 2], "is not an image that can be read"),
        "empty.jpg": (b"", "is empty (0 bytes)"),
        "page.jpg": (b"<html><script>alert(1)</script>", "is a web page"),
        "paper.png": (b"%PDF-1.7", "is a PDF document"),
        "noise.webp": (bytes(range(256)) * 8, "is not an image that can be read"),
        "large.jpg": (b"\xff\xd8" + bytes(51_000_000), "has 51 MB: files up to 50 MB are read"),
        "broken.zip": (b"PK\x03\x04 and no more", "is damaged or cut short"),
        "broken.tgz": (b"\x1f\x8b and no more", "is damaged or cut short"),
        "empty.tar": (b"", "is empty: fetch it again"),
        "pointer.parquet": (b"version https://git-lfs.github.com/spec/v1", "git-lfs pointer"),
    }
    for name, (content, _) in broken.items():
        (folder / name).write_bytes(content)
    expected = {name: words for name, (_, words) in broken.items()}
    write_tar(folder / "cut.tar", {"a.png": whole, "b.png": whole})
    content = (folder / "cut.tar").read_bytes()
    (folder / "cut.tar").write_bytes(content[: 512 + len(whole) // 2])
    expected["cut.tar"] = "is damaged or cut short"
    write_zip(folder / "some.zip", {"good.png": whole, "bad.png": b"no picture"})
    expected |= {"some.zip/good.png": None, "some.zip/bad.png": "is not an image"}
    write_parquet(folder / "null.parquet", {"a": None, "b": whole})
    expected |= {"null.parquet#0": "is empty (0 bytes)", "null.parquet#1": None}
    os.symlink(folder / "nowhere", folder / "link.png")
    os.mkfifo(folder / "pipe.png")  # whose reader would wait for ever
    expected |= dict.fromkeys(("link.png", "pipe.png"), "a link to nowhere, or no file")
    (folder / "good.png").write_bytes(whole)
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(whole)  # a name that is no UTF-8
    return folder, expected | {"good.png": None, "caf\\udce9.png": None}


def test_every_broken_file_has_its_row(ruins, detector_file):
    folder, expected = ruins
    found = truthpixel_utils.score(folder, model=detector_file)
    errors = dict(zip(found["id"].str.removeprefix(f"{folder}/"), found["error"], strict=True))
    assert errors.keys() == expected.keys()
    for name, words in expected.items():
        assert words in errors[name] if words else errors[name] != errors[name], name
    assert not found["error"].str.contains("\n").any()


def test_what_is_named_and_holds_no_pictures_says_so(ruins, tmp_path, detector_file):
    write_tar(tmp_path / "notes.tar", {"notes.txt": b"none"})
    write_parquet(tmp_path / "t.parquet", {}, other=[])
    named = [tmp_path / "notes.tar", tmp_path / "t.parquet", tmp_path / "nowhere"]
    found = truthpixel_utils.score(named, model=detector_file)
    assert found["error"].str.contains("holds no pictures|no column image|no such file").all()
    assert len(found) == 3 and list(find_units([tmp_path / "notes.tar"]))[0].named


def test_files_that_broke_us_get_their_rows(shared, detector_file):
    found = truthpixel_utils.score(shared / "cases", model=detector_file)
    names = {path.name for path in (shared / "cases").rglob("*") if path.suffix in (".jpg", ".png")}
    assert names <= set(found["id"].str.rpartition("/")[2])
    assert found["error"].notna().sum() == 4  # an empty shard, a pointer, and two null images
