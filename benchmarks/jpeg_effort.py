"""The effort ladder and the peers, MP/s over BD-rate: writes docs/effort.svg and the table of docs/effort.md.

usage: python benchmarks/jpeg_effort.py FOLDER [--quality 30,50,70,80,90]

One thread. Speeds are wall time, so run nothing else meanwhile.
"""

import argparse
import pathlib
import re

from codec import rd

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
CODECS = (
    "jpeg:effort=1/2/3/4/5/6/7/8/9,subsampling=4:2:0",
    "libjpeg-turbo:progressive=true",
    "simplejpeg",
    "mozjpeg",
    "jpegli",
)
ANCHOR = "libjpeg-turbo"
METRICS = ("ssimulacra2", "psnr")


def table(points):
    """Markdown: a row per family; bold if no other family beats it in both speed and SSIMULACRA 2."""
    by_metric = [rd.speeds(points, metric, ANCHOR) for metric in METRICS]
    lines = ["| | MP/s | BD-rate, SSIMULACRA 2 | BD-rate, PSNR |", "|---|---|---|---|"]
    for first, second in zip(*by_metric):
        name = f"**{first.family}**" if first.front else first.family
        lines.append(
            f"| {name} | {first.encode_mpixels_per_second:.1f} | {first.bd_rate:+.2f} % | {second.bd_rate:+.2f} % |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--quality", default="30,50,70,80,90", type=lambda text: tuple(map(int, text.split(","))))
    arguments = parser.parse_args()
    pictures = sorted(map(str, pathlib.Path(arguments.folder).glob("*.png")))
    points = list(rd.sweep(pictures, codecs=CODECS, quality=arguments.quality, metrics=METRICS))
    rd.plot_speed(rd.speeds(points, METRICS[0], ANCHOR), DOCS / "effort.svg", metric=METRICS[0], anchor=ANCHOR)
    page = DOCS / "effort.md"
    page.write_text(re.sub(r"\| \| MP/s.*?\n\n", lambda _: table(points) + "\n", page.read_text(), flags=re.S))


if __name__ == "__main__":
    main()
