"""The flags that several commands of ``truthpixel`` have in common."""

from __future__ import annotations

from collections.abc import Callable

import click

output_dir_option = click.option(
    "--output-dir",
    default="outputs",
    show_default=True,
    metavar="DIR",
    help="The course's output folder, where a detector is looked for and features are cached.",
)


def model_option(help: str, default: str | None = None) -> Callable:
    """Declare ``--model``, which a command gets as ``model_file``.

    Parameters
    ----------
    help : str
        What the detector is for; where there is no default, what answers instead.
    default : str, optional
        The detector by its file or its name, shown behind the help.

    Returns
    -------
    function
        A decorator of a command.
    """
    return click.option(
        "--model", "model_file", metavar="FILE", default=default, show_default=True, help=help
    )
