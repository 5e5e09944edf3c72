"""The command ``truthpixel score``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from truthpixel_utils.files import writable_folder
from truthpixel_utils.options import model_option, output_dir_option


@click.command("score")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--out",
    default="scores.parquet",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The table; a relative path starts where you stand. While the work goes on, parts of it "
    "lie in the folder FILE.parts.",
)
@model_option("The detector that is to answer, as for explain.  [default: cifake]")
@click.option(
    "--explain",
    "maps",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Draw maps, as explain does, of pictures called AI-generated into this folder.",
)
@click.option(
    "--above",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="P",
    help="The probability from which on --explain draws.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="local: this machine; ray: the cluster that RAY_ADDRESS names, by Ray Data.",
)
@output_dir_option
def score_pictures(
    paths: tuple[str, ...],
    out: Path,
    model_file: str | None,
    maps: Path | None,
    above: float,
    engine: str,
    output_dir: str,
) -> None:
    """Give a probability and a verdict on any number of pictures, as one table.

    Each PATH is a picture, a folder, a pattern, an archive (zip, tar, a WebDataset's shard), a
    parquet shard with a column image, or an address of any of these that fsspec knows (s3://,
    gs://, https://). The same command goes on where it was stopped.

    \b
    truthpixel score album/ --out scores.parquet
    truthpixel score 'shards/*.tar' s3://bucket/more/ --engine ray
    truthpixel score album.zip --explain maps --above 0.9
    """
    from truthpixel_utils.scoring.job import run
    from truthpixel_utils.scoring.maps import draw_maps

    out = out.absolute()
    then, aside = None, []
    if maps:
        aside = [writable_folder(maps.absolute(), "--explain")]
        options = {"model_file": model_file, "output_dir": output_dir}
        then = partial(draw_maps, folder=aside[0], above=above, **options)
    done = run(paths, out, model_file, output_dir, engine, aside=aside, then=then)
    kept = f" ({done.reused:,} of them from before)" if done.reused else ""
    click.echo(f"{done.rows:,} pictures in {out}{kept}; {done.failed:,} could not be read.")
    if done.failed:
        raise click.exceptions.Exit(1)
