"""What options of the H.264 encoder are worth: the tables of docs/h264.md.

usage: python benchmarks/h264_options.py matrices|lossless [--frames N] CLIP ...

matrices: BD-rate of scaling_matrix="jvt" against flat lists, preset medium, tune psnr, QP 22, 27, 32 and 37.
lossless: bytes against those of x264 with QP 0 (libx264 and libx264rgb through PyAV), below 1 is smaller. Chroma of
4:4:4 is that of the clip, repeated; RGB is the same picture converted.
"""

import argparse
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from h264_encode import QPS, loaded, ours, point

import codec
from codec.rd import bd_rate

PRESETS = ("ultrafast", "veryfast", "medium")


def matrices(clips, frames):
    print("| clip | PSNR-Y, % | SSIM-Y, % |\n|---|---|---|")
    for name in clips:
        clip = loaded(name, frames)
        flat, jvt = (
            [point(clip, "ours", "medium", "psnr", {"qp": qp, "scaling_matrix": matrix}) for qp in QPS["qp"]]
            for matrix in ("flat", "jvt")
        )
        deltas = [bd_rate([(a[0], a[k]) for a in flat], [(b[0], b[k]) for b in jvt]).value for k in (1, 2)]
        print(f"| {Path(name).stem} | {deltas[0]:+.1f} | {deltas[1]:+.1f} |", flush=True)


def x264(arrays, kind, rate, preset):
    encoder = "libx264rgb" if kind == "rgb24" else "libx264"
    data = io.BytesIO()
    with av.open(data, "w", format="h264") as output:
        stream = output.add_stream(
            encoder, rate=Fraction(rate), options={"preset": preset, "threads": "1", "g": "250", "qp": "0"}
        )
        frames = [av.VideoFrame.from_ndarray(array, format=kind) for array in arrays]
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, kind
        for frame in frames:
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return data.getvalue()


def lossless(clips, frames):
    print("| clip | preset | 4:2:0 | 4:4:4 | RGB |\n|---|---|---|---|---|")
    for name in clips:
        clip = loaded(name, frames)
        full = [(luma, *(np.repeat(np.repeat(c, 2, 0), 2, 1) for c in rest)) for luma, *rest in clip.frames]
        frames444 = [codec.Frame(planes, "4:4:4", 8, clip.matrix, clip.full_range) for planes in full]
        rgb = [frame.to_rgb() for frame in frames444]
        packed = [np.concatenate([p.ravel() for p in planes]).reshape(-1, clip.width) for planes in clip.frames]
        for preset in PRESETS:
            options = {"fps": clip.fps, "preset": preset, "lossless": True, "threads": 1}
            pairs = (
                (ours(clip, {"lossless": True}, preset, None), x264(packed, "yuv420p", clip.fps, preset)),
                (
                    codec.encode_video(frames444, **options),
                    x264([np.stack(p) for p in full], "yuv444p", clip.fps, preset),
                ),
                (codec.encode_video(rgb, **options), x264(rgb, "rgb24", clip.fps, preset)),
            )
            ratios = " | ".join(f"{len(first) / len(second):.3f}" for first, second in pairs)
            print(f"| {Path(name).stem} | {preset} | {ratios} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=("matrices", "lossless"))
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=16)
    options = parser.parse_args()
    {"matrices": matrices, "lossless": lossless}[options.table](options.clips, options.frames)


if __name__ == "__main__":
    main()
