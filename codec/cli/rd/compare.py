"""`codec rd bd` and `codec rd hull`."""

import click

from .. import _options as options
from .._common import Failure, echo_json, say
from .lab import FORMATS, cells, known_family, known_metrics, labels, rate, read_rows, split_name

TITLES = {"rate": "BD-rate %", "quality": "BD-quality"}


@click.command()
@options.rows
@click.option(
    "--anchor",
    metavar="FAMILY",
    help=(
        "Reference for the others: a codec, a family as named in the table, or a unique part of a name; or the NAME "
        "of a file, for each of its families.  [default: the first]"
    ),
)
@options.row_metrics("Comma-separated, of those in the rows, or all.")
@click.option(
    "--method",
    type=options.Known("rd.interpolation:METHODS"),
    default="pchip",
    show_default=True,
    help="Interpolation.",
)
@click.option(
    "--quality",
    "quantity",
    flag_value="quality",
    default="rate",
    help="BD-quality (score at equal rate) instead of BD-rate.",
)
@click.option("--per-image", is_flag=True, help="One line per picture instead of the means.")
@options.as_json("One JSON object on stdout, with every picture.")
def bd(rows, anchor, metrics, method, quantity, per_image, as_json):
    """Compare families of settings with one of them by BD-rate: the difference of bytes, or of bit rate for videos, in
    percent at equal score. Negative is smaller. Each family is compared with its anchor.

    low and high are a 95 % bootstrap interval of the mean over the pictures. from and to are the extremes of the common
    score ranges, share is the smallest fraction of its score range that a picture has in common. Pictures without a
    number are listed on stderr with the reason; the exit code is 1 if a family has none at all.

    Several versions of a codec are separate families, named by version. ROWS may be NAME=FILE: NAME then precedes the
    versions in that file, to compare two builds of one version. With --anchor NAME every family is compared with the
    family of that file that has the same codec and settings.

    \b
    Examples:
      codec rd bd before=old.jsonl after=new.jsonl --anchor before
      codec rd bd rows.jsonl --anchor libjpeg-turbo --metric psnr,ssim,ssimulacra2
      codec rd bd rows.jsonl --anchor mozjpeg --per-image
    """
    from ... import rd as lab

    points, _, problems = read_rows(rows)
    metrics = known_metrics(points, metrics)
    pairs = anchors(points, anchor) if anchor in {split_name(path)[0] for path in rows} else {}
    pairs = pairs or {known_family(points, anchor): None}
    results = [
        found
        for metric in metrics
        for one, others in pairs.items()
        for name, found in lab.compare(points, metric, one, method=method, quantity=quantity).items()
        if others is None or name in others
    ]
    if as_json:
        echo_json(
            "rd bd", quantity=quantity, method=method, results=[to_json(found) for found in results], problems=problems
        )
    elif results:
        lines = [line for found in results for line in (by_image(found) if per_image else [mean(found)])]
        decimals = "+.2f" if quantity == "rate" else "+.4f"
        cells(lines, FORMATS | dict.fromkeys((TITLES[quantity], "low", "high", "median"), decimals))
    else:
        say("there is only one family, so there is nothing to compare: sweep another codec or setting")
    for line in sorted(
        {f"  {f.family}, {f.metric}, {image}: {reason}" for f in results for image, reason in f.refused.items()}
    ):
        say(f"no number:{line[1:]}")
    if problems or not results or any(found.n == 0 for found in results):
        click.get_current_context().exit(1)


def anchors(points, build):
    """{family of a build: those of other builds with its codec and settings}, where there are some."""
    from ...rd import families, family

    keys = {name: family(rows[0]) for name, rows in families(points).items()}
    own = {name: key for name, key in keys.items() if key[1].startswith(f"{build}, ")}
    pairs = {
        name: [other for other in keys if other not in own and (keys[other][0], keys[other][2:]) == (key[0], key[2:])]
        for name, key in own.items()
    }
    alone = [name for name, others in pairs.items() if not others]
    if alone and len(alone) < len(own):
        say(f"nothing to compare with {'; '.join(alone)}")
    return {name: others for name, others in pairs.items() if others}


def mean(found):
    valued = [result for result in found.images.values() if result.value is not None]
    return {
        "family": found.family,
        "anchor": found.anchor,
        "metric": found.metric,
        TITLES[found.quantity]: found.mean,
        "low": found.low,
        "high": found.high,
        "median": found.median,
        "images": f"{found.n}/{len(found.images)}",
        "from": min((result.low for result in valued), default=None),
        "to": max((result.high for result in valued), default=None),
        "share": min((result.share for result in valued), default=None),
    }


def by_image(found):
    for image, result in found.images.items():
        value = {TITLES[found.quantity]: result.value, "from": result.low, "to": result.high, "share": result.share}
        yield {"family": found.family, "anchor": found.anchor, "metric": found.metric, "image": image, **value}


def to_json(found):
    images = {image: vars(result) for image, result in found.images.items()}
    return {**vars(found), "n": found.n, "images": images}


@click.command()
@options.rows
@click.option("--metric", default="ssim", show_default=True, metavar="NAME", help="One metric.")
@options.as_json()
def hull(rows, metric, as_json):
    """Settings worth using: those on the convex hull of mean score over mean rate, cheapest first.

    The column pictures counts the single pictures with the setting on their own hull.

    \b
    Examples:
      codec rd sweep photos/ --codec jpeg:effort=1/5/9,subsampling=4:2:0/4:4:4 -o rows.jsonl
      codec rd hull rows.jsonl --metric ssim
    """
    from ... import rd as lab
    from ...rd.points import some_of

    points, _, problems = read_rows(rows)
    known_metrics(points, [metric])
    points, lossless = lab.averageable(points, metric)
    if not points:
        raise Failure(f"some setting keeps each of the pictures without error, so {metric} has no mean: choose another")
    if lossless:
        say(f"the means are without {some_of(lossless)}, which some settings keep without error")
    pictures = {}
    for point in points:
        pictures.setdefault(point.picture, []).append(point)
    own = [(p.codec, p.codec_version, p.setting) for picture in pictures.values() for p in lab.hull(picture, metric)]
    means = lab.hull(lab.means(points), metric)
    found = [
        {
            **name,
            **rate(m),
            metric: m.metrics[metric],
            "pictures": f"{own.count((m.codec, m.codec_version, m.setting))}/{len(pictures)}",
        }
        for name, m in zip(labels(means, points), means)
    ]
    if as_json:
        echo_json("rd hull", metric=metric, images=len(pictures), hull=found, problems=problems)
    else:
        cells(found)
    if problems:
        click.get_current_context().exit(1)
