"""The command ``truthpixel``: each of its commands, with its flags above it.

Nothing here loads TensorFlow before a command needs it: the chapters' faces are lazy.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from truthpixel_utils import __version__, course, data, demo, evaluate, export, model, plots, train
from truthpixel_utils.ending import tidy_ending
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path, writable_folder
from truthpixel_utils.locks import alone_in
from truthpixel_utils.options import model_option, output_dir_option
from truthpixel_utils.profiles import PROFILES
from truthpixel_utils.scoring.command import score_pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``truthpixel`` on the command line, by default that of this process.

    Returns
    -------
    int
        The exit status: 0 if all went well, 1 if there was an error or an image that could not be
        read, 2 if the arguments make no sense, 130 if the reader pressed Ctrl-C. A process that is
        told to end does so with 128 and the signal's number.

    Examples
    --------
    >>> main(["--version"])
    truthpixel, version 0.1.0
    0
    """
    try:
        with tidy_ending():
            return truthpixel.main(arguments, prog_name="truthpixel", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TruthPixelError as error:
        click.echo(f"\n{error}", err=True)
        return 1
    except click.Abort as abort:
        if isinstance(abort.__cause__, EOFError):  # of a damaged file: click takes it for Ctrl-D
            raise abort.__cause__ from None
        click.echo("Stopped. The same command goes on from here.", err=True)
        return 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def truthpixel() -> None:
    """Tell AI-generated images from photographs."""


@truthpixel.command("course")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="sample",
    show_default=True,
    help="sample: the images in the clone; quick: 12,000 images of CIFAKE; full: all of it; "
    "best: all of it, by the strong recipe; pictures: a folder of pictures of any size, which -p "
    "source names; pictures-best: the same, looked at in two ways.",
)
@click.option(
    "-p",
    "parameters",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Override one notebook parameter; may be given several times.",
)
@click.option("--from", "first", metavar="03", help="First notebook to run.")
@click.option("--to", "last", metavar="05", help="Last notebook to run.")
def run_course(
    profile: str, parameters: tuple[tuple[str, str], ...], first: str | None, last: str | None
) -> None:
    """Run the notebooks in order."""
    overrides = {name: _parse_value(text) for name, text in parameters}
    course.run(profile, overrides, first, last)


def _parse_value(text: str) -> object:
    """Read a number, None, True, False or a list as Python does, and anything else as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


@truthpixel.command("evaluate")
@click.option(
    "--source", default="auto", show_default=True, help="Where the images are, as in the notebooks."
)
@click.option(
    "--split",
    default="all",
    show_default=True,
    help="all: every image is a test image; official: the test part; truthpixel or random: as in "
    "the notebooks.",
)
@click.option("--limit", type=int, help="Images of the data set in all.  [default: every one]")
@model_option(
    "A detector that was trained on none of the test images, by its file or its name (cifake, "
    "pictures, course).  [default: what notebook 4 left in the output folder, else "
    "cifake; for these two that is checked]"
)
@click.option(
    "--out",
    default="outputs/evaluation",
    show_default=True,
    metavar="DIR",
    help="Folder for the figures; a relative one starts at the project.",
)
@output_dir_option
def evaluate_detector(
    source: str, split: str, limit: int | None, model_file: str | None, out: str, output_dir: str
) -> None:
    """Measure a detector on a data set: labelled images, in folders REAL and FAKE or in shards."""
    detector = model.load_detector(model_file, output_dir)
    with alone_in(out, "evaluation", "--out"):
        splits = data.load_splits(source, split, limit)
        if model_file in (None, model.COURSE):
            train.check_unseen(splits, output_dir)
        elif model.find_detector(model_file) == model.SHIPPED:
            train.check_unseen_by_shipped(splits)
        predictions, figures = evaluate.measure_detector(detector, splits)
        click.echo(evaluate.format_summary(figures))  # first: a disk may have filled up meanwhile
        evaluate.save_metrics(predictions, figures, out)
    click.echo(f"\nIn {project_path(out)}: metrics.json, metrics.txt, predictions.parquet")


@truthpixel.command("explain")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    default="explained",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for the figures; a relative one starts where you stand.",
)
@click.option(
    "--method",
    default="gradcam",
    show_default=True,
    help="gradcam, gradcam++, hirescam, layercam or eigencam.",
)
@click.option(
    "--colours",
    "colour_map",
    default="viridis",
    show_default=True,
    help="jet, or any other colour map of matplotlib.",
)
@model_option(
    "The detector that is to answer, by its file or its name: cifake or pictures (in the "
    "package), or course (what notebook 4 has trained).  [default: cifake]"
)
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write all that was found out into this file, too.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a row an image into this file, too.",
)
@click.version_option(__version__, prog_name="truthpixel")
@output_dir_option
def explain_images(
    paths: tuple[Path, ...],
    out: Path,
    method: str,
    colour_map: str,
    model_file: str | None,
    json_file: Path | None,
    csv_file: Path | None,
    output_dir: str,
) -> None:
    """Give a verdict on images, say what their files say of their origin, and draw why.

    Each PATH is an image (JPG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF), or a folder of images.

    \b
    truthpixel explain holiday.jpg
    truthpixel explain album/ --out explained --csv answers.csv
    truthpixel explain a.png b.heic --model pictures --json answers.json
    """
    import matplotlib

    if colour_map not in matplotlib.colormaps:
        raise TruthPixelError(
            f"matplotlib has no colour map {colour_map}: viridis, inferno and jet are some."
        )
    images = demo.images_in(paths, out.absolute())
    writable_folder(out.absolute(), "--out")
    analyze = demo.load_analyzer(model_file, output_dir)
    stems = Counter(image.stem for image in images)
    reports = []
    for number, image in enumerate(images, 1):
        try:
            report = analyze(demo.read_file(image), image.name, method=method)
        except TruthPixelError as error:
            click.echo(error, err=True)
            continue
        # CIFAKE has a REAL/0001.jpg and a FAKE/0001.jpg: images of one name are told by number.
        stem = image.stem if stems[image.stem] == 1 else f"{image.stem}_{number}"
        path = out / f"{stem}_{method}.png"
        if len(images) == 1:
            click.echo(f"{image.name}: {demo.exports.as_text(report)}\n  {path}")
        else:
            line = demo.exports.as_line(report)
            click.echo(f"[{number}/{len(images)}] {image.name}: {line}, {path}")
        reports.append(demo.exports.without_pictures(report))
        # Last: whoever cannot save it has at least read it.
        plots.save_figure(demo.exports.figure(report, colour_map), path.absolute())
    if json_file:
        _write(json_file, f"[{','.join(map(demo.exports.as_json, reports))}]")
    if csv_file:
        _write(csv_file, demo.exports.as_csv(reports))
    if len(reports) < len(images):
        raise click.exceptions.Exit(1)


def _write(path: Path, text: str) -> None:
    with atomic_write(path.absolute()) as part:
        part.write_text(text, encoding="utf-8")


truthpixel.add_command(score_pictures)
truthpixel.add_command(export.export_command)


@truthpixel.command("demo")
@click.option("--ip", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8866,
    show_default=True,
    help="Port to listen on.",
)
@model_option("The detector that is to answer, as for explain.")
def serve_demo(ip: str, port: int, model_file: str | None) -> None:
    """Serve the demo as a web page, by Voilà."""
    demo.voila_app.serve(ip, port, model_file)


@truthpixel.command("cache")
@click.option("--clear", is_flag=True, help="Remove them: they are computed anew when needed.")
@output_dir_option
def show_cache(clear: bool, output_dir: str) -> None:
    """List the features that training keeps on disk."""
    folder = project_path(output_dir) / "cache"
    if clear:
        click.echo(f"Removed {train.clear_cache(folder):,.0f} MB of features from {folder}.")
        return
    table = train.list_cache(folder)
    if table.empty:
        click.echo(f"No features in {folder}.")
        return
    formats = {"images": "{:,}".format, "MB": "{:,.0f}".format, "done": "{:.0%}".format}
    click.echo(table.to_string(index=False, formatters=formats))
    megabytes = table["MB"].sum()
    click.echo(f"{megabytes:,.0f} MB in {folder}; truthpixel cache --clear removes them.")
