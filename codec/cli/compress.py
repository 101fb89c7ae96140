"""`codec compress`: pictures of any format to JPEG, PNG-8 or GIF."""

import click

from . import _options as options
from ._common import needs, refuse_both, refuse_for
from ._jobs import perform, perform_in_place

JPEG_ONLY = ("quality", "effort", "budget", "subsampling", "progressive", "tune", "background")


def _kinds(value):
    """Parse kinds separated by commas."""
    from ..batch import stripping

    return stripping.kinds(value.split(","))


def _are_kinds(text):
    """Names of kinds, which a file of the same name does not change, or what can be nothing else."""
    return set(text.split(",")) <= {"gps", "thumbnail", "all"} or not options.may_be_input(text)


class _Compress(options.OptionalValues):
    may_follow = {"--strip": ("all", _are_kinds)}


@click.command(cls=_Compress)
@options.inputs_or_list
@options.files_from
@options.include
@options.exclude
@options.output()
@click.option(
    "--to",
    "form",
    type=click.Choice(["jpeg", "png", "gif"]),
    default="jpeg",
    show_default=True,
    help="png: at most 256 colours (PNG-8), an APNG of an animation. gif: the same as GIF.",
)
@options.quality(help="1 is smallest, 100 is best; fractions down to 1/64.  [default: 75]")
@options.target(
    "--target",
    help="In place of --quality: size:200kB or bpp:1.0 at most; psnr:40, ssim:0.98, ssimulacra2:85 at least.",
)
@click.option(
    "--effort",
    type=click.IntRange(1, 9),
    default=5,
    show_default=True,
    help="1 is fastest, 9 searches longest.",
)
@options.budget
@click.option(
    "--subsampling",
    type=options.Known("jpeg.params:SUBSAMPLING", ("auto",)),
    default="auto",
    show_default=True,
    help="Resolution of the colour components.",
)
@click.option(
    "--progressive/--baseline",
    default=None,
    help="Force the process.  [default: progressive from effort 4 on]",
)
@click.option(
    "--tune",
    type=options.Known("jpeg.params:TUNES"),
    default="ssimulacra2",
    show_default=True,
    help="The metric to optimise for; the last two are plain tables.",
)
@click.option(
    "--strip",
    metavar="[KINDS]",
    callback=options.checked(_kinds),
    help="Drop gps (coordinates in EXIF and XMP), thumbnail, or both: gps,thumbnail; all, the default, is EXIF, XMP, "
    "IPTC and comments, and turns the pixels upright. The colours stay: only an ICC profile of sRGB goes with all.",
)
@options.color(
    "--background",
    help="Colour behind transparent pixels: a name or #rrggbb.  [default: white]",
)
@click.option(
    "--force",
    is_flag=True,
    help="Write a JPEG in any case: of a JPEG that loses more quality than it saves bytes, of what becomes larger, of "
    "the first of several frames.",
)
@options.max_size
@options.srgb
@options.max_pixels
@options.jobs
@options.timeout
@options.overwrite
@options.keep_dates
@options.in_place
@options.backup
@options.no_backup
@options.min_gain
@options.ledger
@options.no_ledger
@options.executor
@options.scheduler
@options.dry_run
@options.as_json_not_table
@options.as_lines
def compress(inputs, files_from, include, exclude, output, **given):
    """Compress pictures to JPEG, or with --to to PNG-8 or GIF.

    INPUTS are JPEG, PNG, TIFF, WebP, GIF, BMP, PPM, AVIF, JPEG 2000, QOI or HEIC (extra heif) files, folders
    (searched recursively, recreated as the same tree in OUT), URLs of both such as s3://bucket/folder/ (extra remote),
    or - for stdin. Inputs are overwritten only with --in-place. Metadata is kept, including the orientation tag; pixels
    are not turned.

    Every file met in a folder has a row with a status. "done". "kept": the source is copied, since no smaller JPEG was
    found, or since a JPEG would hold only the first of its frames; an a.png stays a.png. "skipped": done before, or the
    output exists and is not known to be ours (--overwrite replaces it). "ignored": hidden files, symbolic
    links, FIFOs, other kinds of file. "failed": damaged, unreadable, or a picture of a format that is not read, such as
    camera raw. A damaged file whose picture can be read is "done", and its row says that it is damaged. Files without a
    known suffix are recognized by their contents. Where two outputs would have one name, one keeps its whole name:
    a.jpg and a.png become a.jpg and a.png.jpg.

    The same command goes on after an interruption, kill -9 included, and does again only what changed: the ledger in
    the output folder knows by content which file was made of which, with which settings. An output is replaced
    only where the ledger knows that it was made of the same file. Two runs at once on one folder are refused.

    A JPEG whose quality is already near or below the one asked for is not encoded again, since that would lose more
    than it saves: it is rewritten without loss, as by codec transcode (--force encodes it). Where -o names a file, or
    stdout, a JPEG is written even if it is larger or holds the first frame only, with a warning. The ratio is
    before / after. An output is readable by nobody who cannot read its source.

    What follows the picture of a JPEG, as the film of a motion photo or a gain map, is carried over. Where it cannot be
    (--max-size, --strip, --to), a warning and the row say so; with --in-place the original is kept.

    With --in-place a JPEG is replaced by a smaller one of the same name: after it was decoded again and compared, with
    the mode, owner and times of the original, which stays in the backup folder until you delete that. codec undo brings
    the originals back. Other formats, links and files with several hard links are ignored.

    With --target, the quality is searched for each picture and measured on the final bytes: the best file within the
    size (kB is 1000 bytes, KiB 1024), or the smallest with the score. If no quality reaches it, nothing is written and
    the possible range is reported. A JPEG that meets a size without loss is rewritten without loss.

    With --to png or gif, pictures and animations get at most 256 colours; those that would not become smaller are
    "kept". Options of JPEG do not apply; codec palette has those of palettes. A PNG keeps the colour profile, a GIF has
    none: other colours are converted to sRGB.

    The --json of each file says what became of its metadata: the kinds that were kept, changed and dropped, and what
    was converted.

    \b
    Examples:
      codec compress photo.png -o photo.jpg
      codec compress holiday/ -o smaller/ -q 80 --json > report.json
      codec compress photo.png -o upload.jpg --target size:200kB
      codec compress logo.png -o logo.jpg --background '#f0f0f0' --subsampling 4:4:4
      codec compress *.tif -o web/ --strip -j 4
      codec compress /data/holiday/ -o /data/smaller/ --executor dask --scheduler tcp://10.0.0.1:8786
      codec compress holiday/ -o public/ --strip gps,thumbnail --keep-dates --srgb
      codec compress banners/ -o small/ --to gif --max-size 600
      codec compress holiday/ --in-place -q 80 --min-gain 5%
      codec compress photos/ -o web/ --max-size 1600x1200 --exclude thumbs --jsonl
      find photos -name '*.png' -print0 | codec compress --files-from - -o web/
      codec compress s3://pictures/2019/ -o s3://smaller/2019/ --ledger 2019.sqlite
      cat photo.png | codec compress - -q 60 > photo.jpg

    Exit codes: 0 all done, kept, skipped or ignored; 1 at least one file failed; 2 wrong command line; 130 interrupted.
    """
    from ..batch import Selection

    pairs = (("ledger", "no_ledger"), ("backup", "no_backup"), ("as_json", "as_lines"), ("budget", "effort"))
    for one, other in (*pairs, ("scheduler", "jobs"), ("scheduler", "timeout")):
        refuse_both(one, other)
    scheduler = given.pop("scheduler")
    if (given.pop("executor") == "dask") != bool(scheduler):
        raise click.UsageError("--executor dask and --scheduler ADDRESS need each other")
    inputs = (*inputs, *files_from)
    if not inputs:
        raise click.UsageError("Missing argument 'INPUTS...': name files or folders, or a list with --files-from")
    run = {name: given.pop(name) for name in ("jobs", "timeout", "overwrite", "dry_run", "as_json", "as_lines")}
    ledger, backup = (False if given.pop(f"no_{name}") else given.pop(name) for name in ("ledger", "backup"))
    for name in ("ledger", "backup"):
        given.pop(name, None)
    keep_dates, in_place = given.pop("keep_dates"), given.pop("in_place")
    task, settings = _task(in_place, given.pop("form"), **given)
    settings |= {"in_place": in_place, "include": list(include), "exclude": list(exclude), "keep_dates": keep_dates}
    select = {"selection": Selection(tuple(include), tuple(exclude))}
    if in_place:
        refuse_both("in_place", "output", "no_ledger", "force", "executor", "scheduler")
        run |= {"ledger": ledger, "backup": backup, "select": select}
        perform_in_place("compress", task, inputs, settings=settings, **run)
        return
    needs("in_place", "backup", "no_backup")
    run |= {"ledger": ledger, "select": select | {"keep_paths": bool(files_from)}, "keep_dates": keep_dates}
    run |= {"scheduler": scheduler}
    perform("compress", task, inputs, output, settings=settings, **run)


def _task(in_place, form, *, limits, background, strip, force, min_gain, max_size, srgb, budget, **encoding):
    """The task, and its settings for --json."""
    from ..batch import CompressTask
    from ..errors import ParameterError
    from ..jpeg import EncodeOptions

    shared = {"force": force, "min_gain": min_gain, "max_size": max_size, "srgb": srgb}
    told = {"to": form, "strip": list(strip or ()), **shared}
    if form != "jpeg":
        from ..batch import IndexedTask

        refuse_for("form", "in_place", instead="name an output with -o")
        refuse_for("form", *JPEG_ONLY, instead="--target size:200kB does, and so do --max-size, --strip and --srgb")
        target = encoding["target"]
        try:
            return IndexedTask(form, target, strip or (), limits=limits, **shared), told | {"target": target}
        except ParameterError as error:
            raise click.UsageError(str(error)) from error
    if encoding["quality"] is not None and encoding["target"]:
        raise click.UsageError("--quality and --target exclude each other: a target searches for the quality")
    asked = EncodeOptions(**encoding)
    choices = {"background": background, "budget": budget}
    task = CompressTask(asked, strip=strip or (), carry_all=in_place, limits=limits, **choices, **shared)
    effort = {"effort": None} if budget else {}
    return task, encoding | effort | {"quality": asked.quality} | told | choices
