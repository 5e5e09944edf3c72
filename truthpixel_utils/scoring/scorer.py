"""From pictures to rows: decoding in several threads, and the network beside them.

Ray makes one `Scorer` a worker, and a run on one machine makes one: the same pictures give the same
rows in either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from truthpixel_utils import demo, evaluate, model
from truthpixel_utils.data import look
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import CANNOT_TELL
from truthpixel_utils.scoring.ahead import run_ahead
from truthpixel_utils.scoring.places import Unit
from truthpixel_utils.scoring.reading import Item, Unread, items_of
from truthpixel_utils.scoring.table import SCHEMA, Part, make_part

ROWS = 1024  # of a part: what is lost at most when a run is killed
PICTURES_TOGETHER = 512  # that the network is shown at once, or fewer if they have many windows
IMAGES_TOGETHER = 512
READY = 512  # pictures that are decoded before the network is free, at most


class Task(NamedTuple):
    """A picture, and where its row belongs.

    Attributes
    ----------
    key : str
        The unit's key, see `Part`.
    number : int
        The part of the unit.
    item : Item
        The picture.
    ends_part, ends_unit : bool
        Whether it is the last one there.
    """

    key: str
    number: int
    item: Item
    ends_part: bool
    ends_unit: bool


class Seen(NamedTuple):
    """A picture that has been decoded.

    Attributes
    ----------
    task : Task
        Which picture it is.
    row : dict
        What is known of it so far.
    detector : int
        Which detector answers, of those that are on.
    shown : list of uint8 arrays (n, size, size, 3)
        What each of the detector's members is shown; empty if no detector answers.
    size : int
        Bytes of its file.
    unread : bool
        Whether it could not be reached.
    """

    task: Task
    row: dict[str, Any]
    detector: int
    shown: list[np.ndarray]
    size: int
    unread: bool


def tasks_of(key: str, unit: Unit, done: int = 0) -> Iterator[Task]:
    """Divide a unit into pictures that know where they belong.

    Parameters
    ----------
    key : str
        The unit's key.
    unit : Unit
        From `places.find_units`.
    done : int
        How many of its parts are there already.

    Yields
    ------
    Task
    """
    items = items_of(unit, done * ROWS)
    item = next(items, None)
    place = 0
    while item is not None:
        following = next(items, None)
        place += 1
        ends_unit = following is None
        number = done + (place - 1) // ROWS
        yield Task(key, number, item, ends_unit or place % ROWS == 0, ends_unit)
        item = following


class Scorer:
    """The detectors that are on, ready to answer; loading them takes seconds, once.

    Parameters
    ----------
    model_file : str or Path or None
        A detector's file or name, see `model.find_detector`; None for those of the package that are
        on.
    output_dir : str or Path
        The folder in which the course's own detector lies.
    """

    def __init__(self, model_file: str | Path | None = None, output_dir: str | Path = "outputs"):
        self.detectors = demo.load_detectors(model_file, output_dir)
        self.choose = demo.chooser(self.detectors)
        self.ask = [
            evaluate.prepare_answers(detector, rule["out_of_distribution"])
            for _, detector, rule in self.detectors
        ]

    def parts(self, tasks: Iterable[Task]) -> Iterator[Part]:
        """Score pictures.

        Parameters
        ----------
        tasks : iterable of Task
            The pictures, by units and parts.

        Yields
        ------
        Part
            As soon as one is complete, in the order of the pictures.
        """
        threads = model.threads_given() or os.cpu_count() or 1
        together, images, part = [], 0, []
        for seen in run_ahead(self.look_at, tasks, READY, threads):
            together.append(seen)
            images += sum(map(len, seen.shown))
            # What the network is shown at once never depends on where an earlier run was killed.
            is_full = len(together) == PICTURES_TOGETHER or images >= IMAGES_TOGETHER
            if is_full or seen.task.ends_part:
                self._answer(together)
                part += [one._replace(shown=[]) for one in together]
                together, images = [], 0
            if seen.task.ends_part:
                yield _part_of(part)
                part = []

    def look_at(self, task: Task) -> Seen:
        """Read a picture, and find out all that needs no network; several threads may at once.

        Parameters
        ----------
        task : Task
            The picture.

        Returns
        -------
        Seen
            Whatever is wrong with the file stands in its row.
        """
        item = task.item
        row = dict.fromkeys(SCHEMA.names) | {"id": item.id, **item.of_class._asdict()}
        size = 0
        try:
            content = item.read()
            size = len(content)
            opened, image = demo.open_upload(content, item.id)
            row["origin"] = demo.says_the_file(demo.look_into(opened, content).statements) or None
            detector, shown = self._look(np.asarray(image), row)
        except TruthPixelError as error:
            row["error"] = str(error)
            return Seen(task, row, 0, [], size, isinstance(error, Unread))
        except Exception as error:  # one picture of a million does not end the work
            row["error"] = f"{item.id} cannot be analyzed ({type(error).__name__})."
            return Seen(task, row, 0, [], size, unread=False)
        return Seen(task, row, detector, shown, size, unread=False)

    def _look(self, picture, row):
        """Choose who answers, and cut out of the picture what they are to be shown."""
        height, width = picture.shape[:2]
        row.update(width=width, height=height, verdict=CANNOT_TELL)
        chosen = self.choose(width, height)
        if doubt := demo.why_outside(chosen[1], width, height):
            row["reason"] = doubt.reason
            return 0, []
        row["detector"] = chosen[0]
        return self.detectors.index(chosen), [
            look(picture, view) for view in model.views_of(chosen[1])
        ]

    def _answer(self, together):
        """Ask each detector about its pictures, and write its answers into their rows."""
        for number, (_, _, rule) in enumerate(self.detectors):
            mine = [one for one in together if one.shown and one.detector == number]
            if not mine:
                continue
            said = self.ask[number]([one.shown for one in mine])
            logits = said.parts.sum(axis=0)
            answers = zip(mine, logits, expit(logits), said.distances, strict=True)
            for one, logit, p_ai, distance in answers:
                _write_answer(one.row, float(logit), float(p_ai), float(distance), rule)


def _write_answer(row, logit, p_ai, distance, rule):
    if not np.isfinite(p_ai):
        row["error"] = "The detector's answer is not a number: train it again."
        return
    row.update(logit=logit, p_ai=p_ai)
    if doubt := demo.why_unsure(p_ai, distance, rule):
        row["reason"] = doubt.reason
    else:
        row["verdict"] = str(evaluate.verdicts(p_ai, rule))


def _part_of(seen):
    task = seen[-1].task
    rows, size = [one.row for one in seen], sum(one.size for one in seen)
    unread = any(one.unread for one in seen)
    return make_part(task.key, task.number, rows, size, task.ends_unit, unread)
