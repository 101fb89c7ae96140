"""Less than a whole JPEG: `python benchmarks/jpeg_scaled.py [IMAGE ...] [--quality 85] [--reps 9]`.

Milliseconds of the least CPU time, one thread, calls in turn: scaled pictures beside libjpeg-turbo (Pillow's `draft`,
and simplejpeg if it is installed), the luminance alone, and regions. Without images, the photographs in samples/ are
used.
"""

import argparse
import io

import numpy as np
from jpeg_speed import SAMPLES, measure, mosaic
from PIL import Image

import codec

REGION = 256  # on a side


def files(image, quality):
    """Coded by libjpeg-turbo, so that no side has its own encoder's files."""
    picture = Image.fromarray(image)
    for name, options in {
        "4:2:0": dict(subsampling="4:2:0"),
        "4:4:4": dict(subsampling="4:4:4"),
        "4:2:0, restart interval a row": dict(subsampling="4:2:0", restart_marker_rows=1),
        "progressive 4:2:0": dict(subsampling="4:2:0", progressive=True),
    }.items():
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, **options)
        yield name, out.getvalue()


def by_pillow(data, eighths, mode="RGB"):
    image = Image.open(io.BytesIO(data))
    image.draft(mode, (max(1, image.width * eighths // 8), max(1, image.height * eighths // 8)))
    return np.asarray(image)


def tasks(data, height, width):
    """{name: {who: function}}"""
    try:
        import simplejpeg
    except ImportError:
        simplejpeg = None
    for eighths in (8, 4, 2, 1, 7, 3):
        options = {} if eighths == 8 else {"scale": eighths / 8}
        row = {"codec": lambda options=options: codec.decode(data, **options)}
        if eighths in (8, 4, 2, 1):
            row["Pillow"] = lambda eighths=eighths: by_pillow(data, eighths)
        if simplejpeg:
            least = dict(min_height=-(-height * eighths // 8), min_width=-(-width * eighths // 8))
            row["simplejpeg"] = lambda least=least: simplejpeg.decode_jpeg(
                data, fastdct=False, fastupsample=False, **least
            )
        yield f"{eighths}/8", row
    yield "gray", {"codec": lambda: codec.decode(data, color="gray"), "Pillow": lambda: by_pillow(data, 8, "L")}
    for name, y in (("top", 0), ("middle", (height - REGION) // 2), ("bottom", height - REGION)):
        box = ((width - REGION) // 2, y, REGION, REGION)
        yield f"{REGION} x {REGION} at the {name}", {"codec": lambda box=box: codec.decode(data, region=box)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", default=SAMPLES)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--reps", type=int, default=9)
    arguments = parser.parse_args()
    image = mosaic(arguments.images)
    print(f"{image.shape[0] * image.shape[1] / 1e6:.1f} MP, milliseconds")
    for kind, data in files(image, arguments.quality):
        print(f"\n| {kind} | codec | Pillow | simplejpeg | ratio to the faster |\n|---|---|---|---|---|")
        for name, row in tasks(data, *image.shape[:2]):
            seconds = measure(row, arguments.reps)
            others = [seconds[who] for who in seconds if who != "codec"]
            cells = [
                f"{1000 * seconds[who]:.1f}" if who in seconds else "" for who in ("codec", "Pillow", "simplejpeg")
            ]
            cells.append(f"{min(others) / seconds['codec']:.2f}" if others else "")
            print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
