import os
import subprocess
import sys

import pytest

from truthpixel_utils import data
from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError


def test_environment_variable_names_cifake(shared, monkeypatch, capsys):
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", str(shared / "cifake"))
    splits = data.load_splits(limit=1000)
    assert data.summary(splits)[["real", "ai"]].to_numpy().tolist() == [
        [350, 350],
        [75, 75],
        [75, 75],
    ]
    assert "TRUTHPIXEL_CIFAKE" in capsys.readouterr().out
    assert set(splits["train"]["generator"]) == {"camera", "stable-diffusion-1.4"}


def test_the_variable_may_be_relative_to_the_project(tiny, monkeypatch, tmp_path):
    """A notebook's kernel starts in notebooks/, papermill's anywhere: both find the same folder."""
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", os.path.relpath(tiny, sources.PROJECT))
    monkeypatch.chdir(tmp_path)
    assert data.summary(data.load_splits())["total"].sum() == 120


def test_without_network_the_sample_is_chosen_within_ten_seconds(silent_server):
    code = (
        "import time; from truthpixel_utils.data import sources; start = time.perf_counter();"
        "found = sources.find_source('auto'); print(time.perf_counter() - start, found.folder.name)"
    )
    for endpoint in ("http://127.0.0.1:9", silent_server):  # a refusal, and no answer at all
        environment = {**os.environ, "HF_ENDPOINT": endpoint}
        said = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        ).stdout
        seconds, folder = said.splitlines()[-1].split()
        assert folder == "sample" and "no network" in said
        assert float(seconds) < 10


def test_a_variable_that_leads_nowhere_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", str(tmp_path / "nowhere"))
    words = "nowhere, which the environment variable TRUTHPIXEL_CIFAKE names, is not a folder"
    with pytest.raises(TruthPixelError, match=words):
        data.load_splits()
