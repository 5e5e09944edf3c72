"""The command ``truthpixel export``."""

from __future__ import annotations

from pathlib import Path

import click

from truthpixel_utils import data, export
from truthpixel_utils.options import model_option, output_dir_option


@click.command("export")
@click.option(
    "--format", required=True, metavar="FORMAT", help="onnx, openvino, litert or savedmodel."
)
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to write, a new one; a relative one starts where you stand.",
)
@model_option("The detector, by its file or its name, as for explain.", default="cifake")
@click.option(
    "--int8",
    "source",
    metavar="SOURCE",
    help="litert: compute in 8-bit integers, whose ranges are chosen by training images of SOURCE "
    "(named as for evaluate). benchmarks/litert.py measures what that costs.",
)
@output_dir_option
def export_command(
    format: str, out: Path, model_file: str, source: str | None, output_dir: str
) -> None:
    """Write a detector for another runtime, with a card that says how to use it.

    \b
    truthpixel export --format onnx --out detector
    """
    export.check_format(format)
    rows = data.load_splits(source)["train"] if source else None
    card = export.export_detector(format, out.absolute(), model_file, output_dir, rows)
    files = ", ".join(member["file"] for member in card["members"])
    click.echo(f"In {out.absolute()}: {files}, {export.CARD}")
    click.echo(f"p_ai differs from Keras's by {card['difference']:.1g} at most.")
