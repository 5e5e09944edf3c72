"""The command ``truthpixel``: ``course`` runs the notebooks, ``evaluate`` measures a detector, ``explain`` judges images,
``demo`` serves the demo as a web page, ``cache`` lists or clears features."""

import argparse
import ast
import sys
from pathlib import Path

from truthpixel_utils import data, demo, evaluate, model, plots, train
from truthpixel_utils.course import NOTEBOOKS, PROFILES, run
from truthpixel_utils.demo import views
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import project_path

IDLE = 1800  # seconds after which a visitor's kernel is ended


def main(arguments=None):
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="truthpixel", description="Telling AI-generated images from photographs.")
    commands = parser.add_subparsers(dest="command", required=True)
    course = commands.add_parser("course", help="run the notebooks in order")
    course.add_argument(
        "--profile",
        choices=PROFILES,
        default="sample",
        help="sample: in the clone; quick: 12,000 images of CIFAKE; full: all of it; best: all of it, by the strong recipe "
        "(default: sample)",
    )
    course.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        dest="parameters",
        help="override one notebook parameter; may be given several times",
    )
    course.add_argument("--from", dest="first", metavar="03", help="first notebook to run")
    course.add_argument("--to", dest="last", metavar="05", help="last notebook to run")
    judged = commands.add_parser("evaluate", help="measure a detector on the test images of a data set")
    judged.add_argument("--source", default="auto", help="as in the notebooks (default: auto)")
    judged.add_argument("--split", default="official", help="official or truthpixel (default: official)")
    judged.add_argument("--limit", type=int, help="images of the data set in all (default: every one)")
    judged.add_argument(
        "--model",
        metavar="FILE",
        help="a detector that knows none of the test images (default: what notebook 4 left in outputs, "
        "else the package's; of these two it is checked)",
    )
    judged.add_argument("--output-dir", default="outputs/evaluation", help="for the figures (default: %(default)s)")
    explained = commands.add_parser("explain", help="judge images and draw where the verdict comes from")
    explained.add_argument("images", nargs="+", metavar="IMAGE", help="JPG, PNG or WebP files")
    explained.add_argument(
        "--out", default="explained", metavar="DIR", help="folder for the figures (default: %(default)s)"
    )
    explained.add_argument("--method", default="gradcam", help="gradcam, gradcam++, hirescam, layercam or eigencam")
    explained.add_argument(
        "--colours", default="inferno", help="jet, or any colour map of matplotlib (default: inferno)"
    )
    explained.add_argument("--output-dir", default="outputs", help="where to look for a detector (default: outputs)")
    served = commands.add_parser("demo", help="serve the demo as a web page, by Voilà")
    served.add_argument("--ip", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    served.add_argument("--port", type=int, default=8866, help="default: %(default)s")
    cache = commands.add_parser("cache", help="list the features that training keeps on disk")
    cache.add_argument("--clear", action="store_true", help="remove them: they are computed anew when needed")
    cache.add_argument("--output-dir", default="outputs", help="the course's output folder (default: outputs)")
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except TruthPixelError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def _course(options):
    run(options.profile, {name: _value(text) for name, text in options.parameters}, options.first, options.last)
    return 0


def _cache(options):

    folder = project_path(options.output_dir) / "cache"
    table = train.list_cache(folder)
    if table.empty:
        print(f"No features in {folder}.")
    elif options.clear:
        print(f"Removed {train.clear_cache(folder):,.0f} MB of features from {folder}.")
    else:
        formats = {"images": "{:,}".format, "MB": "{:,.0f}".format, "done": "{:.0%}".format}
        print(table.to_string(index=False, formatters=formats))
        print(f"{table['MB'].sum():,.0f} MB in {folder}; truthpixel cache --clear removes them.")
    return 0


def _evaluate(options):

    splits = data.load_splits(options.source, options.split, options.limit)
    if options.model is None:
        train.check_unseen(splits)
    elif project_path(options.model) == model.SHIPPED:
        train.check_unseen_by_shipped(splits)
    predictions, figures = evaluate.measure_detector(model.load_detector(options.model), splits)
    evaluate.save_metrics(predictions, figures, options.output_dir)
    print(evaluate.format_summary(figures))
    print(f"\nIn {project_path(options.output_dir)}: metrics.json, metrics.txt, predictions.parquet")
    return 0


def _explain(options):
    import matplotlib

    if options.colours not in matplotlib.colormaps:
        raise TruthPixelError(f"matplotlib has no colour map {options.colours}: inferno, viridis and jet are some.")
    detector, rule = model.load_detector(output_dir=options.output_dir), evaluate.load_rule(options.output_dir)
    failed = 0
    stems = [Path(name).stem for name in options.images]
    for i, path in enumerate(map(Path, options.images)):
        try:
            found = demo.analyze(_content(path), path.name, detector=detector, rule=rule, method=options.method)
        except TruthPixelError as error:
            print(error, file=sys.stderr)
            failed = 1
            continue
        again = f"_{i + 1}" if stems.count(path.stem) > 1 else ""  # as CIFAKE has it: REAL/0001.jpg and FAKE/0001.jpg
        figure = Path(options.out) / f"{path.stem}{again}_{options.method}.png"
        plots.save_figure(views.figure(found, options.colours), figure)
        print(f"{path.name}: {found.verdict} (p_ai {found.p_ai:.2f}), {figure}", *found.warnings, sep="\n  ")
    return failed


def _demo(options):
    from voila.app import Voila

    print(
        f"Demo: http://{options.ip}:{options.port} (Ctrl-C ends it; an idle visitor's kernel ends after {IDLE // 60} minutes)"
    )
    settings = {"Voila.ip": options.ip, "Voila.port": options.port, "Voila.open_browser": False, "Voila.log_level": 40}
    culling = {"cull_idle_timeout": IDLE, "cull_interval": 60, "cull_connected": True}
    settings |= {f"MappingKernelManager.{name}": value for name, value in culling.items()}
    Voila.launch_instance(
        [str(NOTEBOOKS / "07_demo.ipynb"), *(f"--{name}={value}" for name, value in settings.items())]
    )
    return 0


def _content(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise TruthPixelError(
            f"{path} cannot be read ({error.strerror.lower()}): name JPG, PNG or WebP files."
        ) from None


def _value(text):
    """A parameter from the command line: a number, None, True or False where it reads as one, else the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


COMMANDS = {"course": _course, "evaluate": _evaluate, "explain": _explain, "demo": _demo, "cache": _cache}
