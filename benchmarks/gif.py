"""Animated GIFs of clips: this project compared with Pillow and FFmpeg in one run.

usage: python benchmarks/gif.py CLIP ... [--width 320] [--frames 40] [--lossy 20 ...] [-o rows.jsonl]

Prints a line per clip and program: bytes, mean SSIMULACRA 2 and mean PSNR of the frames decoded by Pillow against
the input frames, seconds of wall time, and whether the frames and times are as requested. Pillow quantizes every
frame and saves; FFmpeg runs palettegen and paletteuse through PyAV, with its defaults, with its ordered dithering,
without dithering and with the options for small differences. The exit code is 1 if a peer's file is not larger than
our first one or scores higher, or if our times are off. tests/palette/test_animation_browser.py checks that a
browser shows the animation.
"""

import argparse
import io
import json
import pathlib
import platform
import sys
import time
from fractions import Fraction

import numpy as np
from PIL import Image

import codec
from codec.metrics import psnr, ssimulacra2
from codec.palette import animate
from codec.sources import clips

FFMPEG = {
    "FFmpeg palettegen/paletteuse": ("", ""),
    "FFmpeg, bayer": ("", "dither=bayer:bayer_scale=3"),
    "FFmpeg, no dither": ("", "dither=none"),
    "FFmpeg, stats_mode=diff, rectangle": ("stats_mode=diff", "diff_mode=rectangle"),
}


def frames_of(path, width, count):
    clip = clips.load(path, frames=count)
    found = []
    for pixels in clip.pictures():
        height = round(pixels.shape[0] * width / pixels.shape[1])
        found.append(np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)))
    return found, min(clip.fps, Fraction(50))


def pillow(frames, fps):
    images, buffer = [Image.fromarray(pixels).quantize(256) for pixels in frames], io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0)
    return buffer.getvalue()


def ffmpeg(frames, fps, generate, use):
    import av
    import av.filter

    buffer, (height, width, _) = io.BytesIO(), frames[0].shape
    with av.open(buffer, "w", format="gif") as container:
        stream = container.add_stream("gif", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "pal8"
        graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=1 / fps)
        both = graph.add("split")
        palette = graph.add("palettegen", generate or None)
        painted = graph.add("paletteuse", use or None)
        sink = graph.add("buffersink")
        links = (
            (source, both, 0, 0),
            (both, palette, 0, 0),
            (both, painted, 1, 0),
            (palette, painted, 0, 1),
            (painted, sink, 0, 0),
        )
        for one, other, out, into in links:
            one.link_to(other, out, into)
        graph.configure()
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, 1 / fps
            graph.push(frame)
        graph.push(None)
        while True:
            try:
                frame = graph.pull()
            except (av.error.EOFError, av.error.BlockingIOError):
                break
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def measured(frames, fps, data):
    image, shown, begins = Image.open(io.BytesIO(data)), [], [Fraction(0)]
    for number in range(image.n_frames):
        image.seek(number)
        shown.append(np.asarray(image.convert("RGB")))
        begins.append(begins[-1] + Fraction(image.info["duration"]) / 1000)
    if len(shown) != len(frames):
        return {
            "bytes": len(data),
            "frames": len(shown),
            "exact": False,
            "ssimulacra2": float("nan"),
            "psnr": float("nan"),
        }
    exact = all(abs(begin - number / fps) <= Fraction(1, 200) for number, begin in enumerate(begins))
    scores = {
        metric.__name__: float(np.mean([metric(a, b) for a, b in zip(frames, shown)])) for metric in (ssimulacra2, psnr)
    }
    return {"bytes": len(data), "frames": len(shown), "exact": exact, **scores}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--lossy", type=int, nargs="+", default=[20, 30, 40, 0])
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    ours = {f"codec, lossy={lossy}" + (" (default)" if lossy == 20 else ""): lossy for lossy in arguments.lossy}
    rows, bad = [], False
    print(f"{'clip':18s}{'':36s}{'kB':>8s}{'SSIMU2':>8s}{'PSNR':>7s}{'s':>7s}  frame times")
    for path in map(pathlib.Path, arguments.clips):
        frames, fps = frames_of(path, arguments.width, arguments.frames)
        found = {}
        todo = {name: lambda lossy=lossy: animate(frames, fps=fps, lossy=lossy).data for name, lossy in ours.items()}
        todo["Pillow quantize + save"] = lambda: pillow(frames, fps)
        todo |= {name: lambda how=how: ffmpeg(frames, fps, *how) for name, how in FFMPEG.items()}
        for name, make in todo.items():
            start = time.perf_counter()
            data = make()
            seconds = time.perf_counter() - start
            row = found[name] = {"clip": path.name, "program": name, **measured(frames, fps, data), "seconds": seconds}
            scores = f"{row['ssimulacra2']:8.2f}{row['psnr']:7.2f}{seconds:7.1f}  {'exact' if row['exact'] else 'off'}"
            print(f"{path.name[:17]:18s}{name:36s}{row['bytes'] / 1e3:8.1f}{scores}", flush=True)
        best = found[next(iter(ours))]
        peers = [row for name, row in found.items() if name not in ours]
        bad |= not best["exact"] or any(
            row["bytes"] <= best["bytes"] or row["ssimulacra2"] > best["ssimulacra2"] for row in peers
        )
        rows += found.values()
    if arguments.output:
        origin = {
            "codec_version": codec.__version__,
            "cpu": codec.cpu.level(),
            "machine": platform.machine(),
            "width": arguments.width,
        }
        pathlib.Path(arguments.output).write_text("".join(json.dumps(row | origin) + "\n" for row in rows))
    sys.exit(bad)


if __name__ == "__main__":
    main()
