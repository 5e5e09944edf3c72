"""The quiz of notebook 1: a reader's own answers, counted and kept."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import datasets
import ipywidgets
import numpy as np
from PIL import Image

from truthpixel_utils import plots
from truthpixel_utils.data import thumbnails
from truthpixel_utils.exercises.checking import Reply, as_guessed
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.labels import CLASSES, KEYS

FILE = "your_score.json"
SHOWN = 96  # pixels a side of an image in the quiz, about
UNANSWERED = "The quiz above is not finished: answer every image, then run this cell again."


class Quiz(ipywidgets.VBox):
    """Images without their labels, two buttons below each, and a score that is kept.

    Where no kernel runs, such as on a page of the book, a picture of the images takes its place.

    Parameters
    ----------
    rows : datasets.Dataset
        Where the images are taken from, with the columns ``image``, ``label`` and ``id``.
    output_dir : str or Path
        Where ``your_score.json`` is written when the last image is answered.
    count : int
        How many images are asked for, half of them real.
    size : int
        Pixels a side that an image is brought to.
    seed : int
        The same seed asks for the same images.
    """

    def __init__(
        self,
        rows: datasets.Dataset,
        output_dir: str | Path = "outputs",
        count: int = 20,
        size: int = 32,
        seed: int = 42,
    ) -> None:
        chosen = rows.select(_half_of_each(rows["label"][:], count, seed))
        self.images, labels = thumbnails(chosen, size)
        self.labels, self.ids = labels.astype(int), chosen["id"][:]
        self.output_dir = output_dir
        self.buttons = [_choice(number) for number in range(1, len(chosen) + 1)]
        self.tiles = [_tile(*pair) for pair in zip(self.images, self.buttons, strict=True)]
        self.line = ipywidgets.HTML()
        for button in self.buttons:
            button.observe(self._take_answer, "value")
        flow = ipywidgets.HBox(self.tiles, layout={"flex_flow": "row wrap"})
        super().__init__([flow, self.line])
        self._say_how_far()

    def result(self, guess: float | None = None) -> Reply:
        """Say how many answers were right, or that some are missing.

        Parameters
        ----------
        guess : float or None
            How many the reader has expected to get right; None where there is no guess.

        Returns
        -------
        Reply
            Shown as one or two sentences.
        """
        score = your_score(self.output_dir) if self._answered() == len(self.labels) else None
        if score is None:
            return Reply(None, UNANSWERED)
        guessed = "" if guess is None else f"You guessed {as_guessed(guess)}. "
        return Reply(None, guessed + _sentence(score))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**options)
        numbers = [str(number) for number in range(1, len(self.labels) + 1)]
        figure = plots.image_grid(list(self.images), numbers, columns=10, size=0.9)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        words = "The quiz needs a running kernel: run this cell."
        return {**bundle, "image/png": drawn.getvalue(), "text/plain": words}

    def _answered(self) -> int:
        return sum(button.value is not None for button in self.buttons)

    def _take_answer(self, _change: object) -> None:
        if self._answered() < len(self.labels):
            self._say_how_far()
            return
        answers = [button.value for button in self.buttons]
        _write_score(self.ids, self.labels, answers, self.output_dir)
        for tile, button, label in zip(self.tiles, self.buttons, self.labels, strict=True):
            button.disabled = True
            colour = plots.COLOURS[KEYS[label]]
            tile.layout.border = f"3px solid {colour}"
            tile.children[-1].value = CLASSES[label] + (" ✓" if button.value == label else " ✗")
        self.line.value = self.result().words

    def _say_how_far(self) -> None:
        self.line.value = f"{self._answered()} of {len(self.labels)} answered"


def your_score(output_dir: str | Path = "outputs") -> dict[str, Any] | None:
    """Read what the reader scored in the quiz.

    Parameters
    ----------
    output_dir : str or Path
        Where the quiz has left ``your_score.json``.

    Returns
    -------
    dict or None
        ``images`` and ``right`` (counts), ``accuracy``, ``false_positive_rate`` and ``recall``
        (0..1), and ``answers``, a list of dict with ``id``, ``label`` and ``answer`` (1 =
        AI-generated). None if the quiz was not answered yet.
    """
    path = project_path(output_dir) / FILE
    return json.loads(path.read_text()) if path.exists() else None


def _half_of_each(labels: list[int], count: int, seed: int) -> list[int]:
    """Choose the numbers of rows: as many real as AI-generated ones, in no order."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    halves = [rng.permutation(np.flatnonzero(labels == label))[: count // 2] for label in (0, 1)]
    return rng.permutation(np.concatenate(halves)).tolist()


def _choice(number: int) -> ipywidgets.ToggleButtons:
    return ipywidgets.ToggleButtons(
        options=[(name, label) for label, name in enumerate(("real", "AI"))],
        value=None,
        tooltips=[f"image {number} is {name}" for name in CLASSES],
        style={"button_width": "46px"},
    )


def _tile(image: np.ndarray, buttons: ipywidgets.ToggleButtons) -> ipywidgets.VBox:
    """Lay out one image, its two buttons, and room for what it was."""
    times = max(1, SHOWN // len(image))  # thumbnails are enlarged without smoothing
    encoded = io.BytesIO()
    Image.fromarray(image.repeat(times, 0).repeat(times, 1)).save(encoded, "png")
    shown = ipywidgets.Image(value=encoded.getvalue(), width=SHOWN, height=SHOWN)
    column = {"align_items": "center", "width": "120px", "margin": "4px", "padding": "4px"}
    return ipywidgets.VBox([shown, buttons, ipywidgets.Label()], layout=column)


def _write_score(
    ids: list[str], labels: np.ndarray, answers: list[int], output_dir: str | Path
) -> None:
    """Count what was right, and keep it."""
    said = np.asarray(answers)
    score = {
        "images": len(labels),
        "right": int((said == labels).sum()),
        "accuracy": float((said == labels).mean()),
        "false_positive_rate": float(said[labels == 0].mean()),
        "recall": float(said[labels == 1].mean()),
        "answers": [
            {"id": name, "label": int(label), "answer": int(answer)}
            for name, label, answer in zip(ids, labels, answers, strict=True)
        ],
    }
    with atomic_write(project_path(output_dir) / FILE) as part:
        part.write_text(json.dumps(score, indent=1) + "\n")


def _sentence(score: dict[str, Any]) -> str:
    return (
        f"You were right about {score['right']} of {score['images']} images: you took "
        f"{score['false_positive_rate']:.0%} of the photographs for AI-generated, and found "
        f"{score['recall']:.0%} of the AI-generated ones."
    )
