"""A table of scores: the verdicts of `explain`, nothing made twice, nothing lost."""

import io
import json
import shutil
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import truthpixel_utils
from conftest import RULE
from truthpixel_utils import cli, data, demo, evaluate, model
from truthpixel_utils.demo.examples import LABEL
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.scoring import scorer
from truthpixel_utils.scoring.ahead import run_ahead
from truthpixel_utils.scoring.places import find_units
from truthpixel_utils.scoring.store import Store


@pytest.fixture
def asked(monkeypatch):
    """How often each picture was decoded, by the end of its id."""
    counted = Counter()
    look_at = scorer.Scorer.look_at

    def count(self, task):
        counted[task.item.id.rpartition("/")[2]] += 1
        return look_at(self, task)

    monkeypatch.setattr(scorer.Scorer, "look_at", count)
    return counted


@pytest.fixture
def copied(album, tmp_path):
    """A copy of the album that may be changed."""
    return shutil.copytree(album / "train" / "FAKE", tmp_path / "pictures")


def encoded(pixels, form="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Thumbnails of every verdict, one that says what it is, noise, and a photograph."""
    folder = tmp_path_factory.mktemp("mixed")
    rows = pq.read_table(data.SAMPLE / "test.parquet", columns=["image"]).take([0, 12, 8, 94])
    contents = [row["bytes"] for row in rows["image"].to_pylist()]
    for number, content in enumerate(contents):
        (folder / f"{number}.jpg").write_bytes(content)
    with Image.open(io.BytesIO(contents[0])) as image:
        image.save(folder / "labelled.jpg", xmp=LABEL)
    noise = np.random.default_rng(0).integers(0, 256, (32, 40, 3), np.uint8)
    (folder / "noise.png").write_bytes(encoded(noise))
    (folder / "photograph.png").write_bytes(encoded(np.tile(noise, (20, 20, 1))))
    return folder


def test_the_verdict_is_that_of_explain(mixed):
    """But for the small changes, which ask the detector six more times."""
    found = truthpixel_utils.score(mixed)
    found = found.fillna({"reason": "", "origin": "", "detector": ""})
    analyze = demo.load_analyzer()
    for row in found.itertuples():
        report = analyze((mixed / row.id.rpartition("/")[2]).read_bytes(), row.id)
        if "turns round" not in report.reason:
            assert (row.verdict, row.reason) == (report.verdict, report.reason)
        says = [line.text for line in report.headline[:-1]]
        assert row.origin == (says[0] if says else "")
        if max(row.width, row.height) <= 64:
            assert row.p_ai == pytest.approx(report.p_ai, abs=1e-4)
            assert row.detector == report.detector
        else:
            assert np.isnan(row.p_ai) and row.detector == ""
    assert set(found["verdict"]) == {"real", "AI-generated", "cannot tell"}
    assert (found["origin"] != "").sum() == 1


def test_windows_belong_to_their_pictures():
    detector = model.build_detector(None, image_size=32, view="windows", seed=0)
    ask = evaluate.prepare_answers(detector, RULE["out_of_distribution"])
    rng, shown = np.random.default_rng(0), []
    for shape in ((40, 40, 3), (400, 30, 3), (300, 700, 3)):
        picture = rng.integers(0, 256, shape, np.uint8)
        shown.append([data.look(picture, model.view_of(detector))])
    together = ask(shown)
    for i, one in enumerate(shown):
        np.testing.assert_allclose(ask([one]).parts[:, 0], together.parts[:, i], atol=1e-4)
    logits, _ = evaluate.predict_images(detector, shown[2][0])
    assert together.parts[0, 2] == pytest.approx(logits.mean(), abs=1e-4)


def test_what_was_stopped_goes_on_and_ends_alike(
    album, detector_file, tmp_path, small_parts, asked, monkeypatch
):
    out, undisturbed = tmp_path / "a.parquet", tmp_path / "b.parquet"
    truthpixel_utils.score(album, undisturbed, model=detector_file)
    asked.clear()
    keep = Store.keep

    def stop_after_two(self, part):
        if part.number == 2:
            raise KeyboardInterrupt
        keep(self, part)

    monkeypatch.setattr(Store, "keep", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        truthpixel_utils.score(album, out, model=detector_file)
    assert not out.exists()
    monkeypatch.setattr(Store, "keep", keep)
    (out.with_name("a.parquet.parts") / ".12345678-half.parquet").write_bytes(b"half")
    asked.clear()
    truthpixel_utils.score(album, out, model=detector_file)
    assert sum(asked.values()) == 24 - 2 * 5
    assert out.read_bytes() == undisturbed.read_bytes()
    asked.clear()
    truthpixel_utils.score(album, out, model=detector_file)
    assert not asked and out.read_bytes() == undisturbed.read_bytes()


@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_damaged_part_is_made_again(album, detector_file, tmp_path, small_parts, how):
    out = tmp_path / "a.parquet"
    truthpixel_utils.score(album, out, model=detector_file)
    whole = out.read_bytes()
    part = sorted((tmp_path / "a.parquet.parts").glob("*.parquet"))[1]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content[:50] if how == "cut" else content)
    if how == "gone":
        part.unlink()
    truthpixel_utils.score(album, out, model=detector_file)
    assert out.read_bytes() == whole


def test_changed_pictures_and_detectors_are_asked_anew(
    copied, detector_file, tmp_path, asked, monkeypatch
):
    monkeypatch.setattr("truthpixel_utils.scoring.places.FILES_TOGETHER", 4)
    out = tmp_path / "a.parquet"
    before = truthpixel_utils.score(copied, out, model=detector_file)
    asked.clear()
    (copied / "0005.png").write_bytes(encoded(np.full((32, 32, 3), 9, np.uint8)))
    after = truthpixel_utils.score(copied, out, model=detector_file)
    assert asked.keys() == {f"{i:04d}.png" for i in range(4, 8)}
    assert np.flatnonzero(before["logit"] != after["logit"]).tolist() == [5]
    for file in (detector_file, detector_file.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    rule = (tmp_path / "small.json").read_text().replace("0.75", "0.01").replace("0.25", "0.005")
    (tmp_path / "small.json").write_text(rule)
    asked.clear()
    stricter = truthpixel_utils.score(copied, out, model=tmp_path / "small.keras")
    assert len(asked) == 12 and stricter["logit"].equals(after["logit"])
    assert set(stricter["verdict"]) == {"AI-generated"}
    assert len(list((tmp_path / "a.parquet.parts").glob("*.parquet"))) == 3  # no old ones


def test_what_was_out_of_reach_is_tried_again(copied, detector_file, tmp_path, monkeypatch):
    from truthpixel_utils.scoring import reading

    out, read = tmp_path / "a.parquet", reading._read_local

    def refuse(file):
        if file.id.endswith("0003.png"):
            raise reading.Unread(f"{file.id} cannot be read (the network is gone).")
        return read(file)

    monkeypatch.setattr(reading, "_read_local", refuse)
    found = truthpixel_utils.score(copied, out, model=detector_file)
    assert found["error"].notna().sum() == 1 and "network" in found["error"][3]
    monkeypatch.setattr(reading, "_read_local", read)
    assert truthpixel_utils.score(copied, out, model=detector_file)["error"].isna().all()


def test_two_runs_do_not_share_a_table(album, detector_file, tmp_path):
    from truthpixel_utils.locks import alone_in

    with (
        alone_in(tmp_path / "a.parquet.parts", "scoring", "--out"),
        pytest.raises(TruthPixelError, match="another scoring is at work"),
    ):
        truthpixel_utils.score(album, tmp_path / "a.parquet", model=detector_file)


def test_nothing_to_score_is_said(tmp_path):
    with pytest.raises(TruthPixelError, match="holds no pictures"):
        truthpixel_utils.score(tmp_path)
    with pytest.raises(TruthPixelError, match="expected local or ray"):
        truthpixel_utils.score(tmp_path, engine="magic")


def test_work_ahead_keeps_its_order_and_hands_on_what_went_wrong():
    assert list(run_ahead(lambda x: x * x, range(50), 3, 2)) == [x * x for x in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(run_ahead(lambda x: 1 / x, [1, 0], 3, 2))
    with pytest.raises(KeyError):
        list(run_ahead(str, failing(), 3, 2))
    endless = run_ahead(str, iter(int, 1), 3, 2)
    assert next(endless) == "0"
    endless.close()  # and does not wait for its end


def failing():
    yield 1
    raise KeyError("none")


@pytest.fixture
def accuser(detector_file, tmp_path):
    """A detector that calls everything AI-generated."""
    path = shutil.copy(detector_file, tmp_path / "accuser.keras")
    rule = RULE | {"lower_threshold": 0.0, "upper_threshold": 0.0}
    path.with_suffix(".json").write_text(json.dumps(rule))
    return path


def test_the_command_says_how_it_went(album, accuser, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and no more")
    arguments = ["score", str(album), "--model", str(accuser)]
    assert cli.main(arguments) == 0
    said, told = capsys.readouterr()
    assert f"24 pictures in {tmp_path / 'scores.parquet'}; 0 could not be read." in said
    assert "100 %, 00:00 left, 24 pictures, " in told
    third = pq.read_table("scores.parquet")["p_ai"].to_pandas().nlargest(3).iloc[-1]
    assert cli.main([*arguments, "--explain", "maps", "--above", str(third)]) == 0
    assert "(24 of them from before)" in capsys.readouterr().out
    drawn = list((tmp_path / "maps").glob("*.png"))
    assert len(drawn) == 3
    times = [path.stat().st_mtime_ns for path in drawn]
    assert cli.main([*arguments, "--explain", "maps", "--above", str(third)]) == 0
    assert times == [path.stat().st_mtime_ns for path in drawn]  # not drawn twice
    capsys.readouterr()
    assert cli.main([*arguments, "broken.png", "nowhere.png"]) == 1
    said = capsys.readouterr().out
    assert "26 pictures in" in said and "2 could not be read" in said
    errors = pq.read_table("scores.parquet")["error"].to_pylist()[-2:]
    assert "broken.png is not an image" in errors[0]
    assert errors[1] == "nowhere.png cannot be read (no such file)."


def test_a_part_says_what_it_is_of(album, tmp_path):
    [unit] = find_units([album])
    keys = {Store(tmp_path, state).key(one) for state in "ab" for one in (unit, unit)}
    assert len(keys) == 2
