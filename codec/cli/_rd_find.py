"""`codec rd find`."""

import click

from ._common import echo_json, refuse_terminal, warn, write_stdout
from ._lab import cells


@click.command()
@click.argument("image", metavar="IMAGE")
@click.option("--target", required=True, metavar="METRIC:VALUE", help="ssim:0.98, psnr:38, ssimulacra2:70, ...")
@click.option("-c", "--codec", default="jpeg", show_default=True, metavar="NAME[:SETTINGS]", help="As for sweep, with one value each.")
@click.option("-o", "--output", metavar="FILE", help="Write the picture at that setting; - for stdout.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def find(image, target, codec, output, as_json):
    """Find the lowest quality that reaches a target, by bisection; scores are measured on the final bytes.

    \b
    Examples:
      codec rd find photo.png --target ssim:0.98
      codec rd find photo.png --target ssimulacra2:70 --codec mozjpeg:subsampling=4:4:4 -o photo.jpg
    """
    from .. import pictures, registry
    from .. import rd as lab
    from ..errors import ParameterError
    from ..files import write_atomic
    from ..rd.search import parse_target

    if output == "-":
        refuse_terminal()
        if as_json:
            raise click.UsageError("--json and -o - both want stdout; name a file with -o")
    try:
        metric, _ = parse_target(target)
        chosen, values = registry.parse(codec)
        for name, several in values.items():
            if len(several) > 1:
                raise ParameterError(f"{codec!r}: a search takes one value of {name}, not {len(several)}")
        chosen.setting(**{name: several[0] for name, several in values.items()})
    except ParameterError as error:
        raise click.UsageError(str(error)) from error
    picture = pictures.load(image)
    for message in picture.warnings:
        warn(image, message)
    found = lab.find(picture.pixels, target, codec=chosen, **{name: several[0] for name, several in values.items()})
    if output == "-":
        write_stdout(found.data)
        return
    if output:
        write_atomic(output, found.data)
    trials = [{"quality": trial.quality, "bytes": trial.bytes, metric: trial.score} for trial in found.trials]
    answer = {"codec": found.codec, **found.setting, "bytes": len(found.data), "bpp": found.bpp, metric: found.score}
    if as_json:
        echo_json("rd find", image=image, target=target, found=answer, trials=trials)
    else:
        cells([{**answer, "encodes": len(trials)}])
