"""PSNR of concealed pictures with lost slices against the undamaged ones.

usage: python benchmarks/h264_conceal.py [--lost PERCENT] CLIP ...

Each clip is encoded by x264 in slices of two rows of macroblocks, and some slices (chosen by a seed) are removed. The
rest is decoded with our concealment, with copies of the nearest picture, and by FFmpeg (x264 and FFmpeg through PyAV).
The figures are the mean luma PSNR against the undamaged decoded pictures, of the frames with missing slices, and of all
frames, since errors propagate.
"""

import argparse
from pathlib import Path

import av
import numpy as np
from codec.h264.decode._conceal import conceal

from codec.h264 import Decoder
from codec.h264.decode import coded_picture
from codec.h264.stream.nal import split_byte_stream

CODINGS = {"P": "bframes=0", "B": "bframes=3:b-pyramid=normal", "I": "keyint=1", "MBAFF": "bframes=3:interlaced=1"}
SLICES = 1, 5  # nal_unit_type


def copied(picture, lost, parity, PicOrderCnt, sources, paired, level):
    """Replaces `conceal`: copies the nearest picture."""
    rows = slice(parity == 2, None, 2 if parity else 1)
    for plane, origin in zip(picture.planes(), sources[0][0].planes() if sources else [128] * 3):
        plane, origin = np.asarray(plane)[rows], np.asarray(origin)[rows] if sources else origin
        where = np.kron(lost, np.ones((plane.shape[0] // lost.shape[0], plane.shape[1] // lost.shape[1]))) != 0
        np.copyto(plane, origin, where=where)


def encoded(path, coding, frames):
    """(time, bytes of the access unit) in decoding order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        coder = av.CodecContext.create("libx264", "w")
        coder.width, coder.height, coder.pix_fmt = stream.width, stream.height, "yuv420p"
        coder.time_base = 1 / stream.average_rate
        rows = 4 if "interlaced" in coding else 2
        coder.options = {
            "crf": "24",
            "preset": "medium",
            "threads": "1",
            "x264-params": f"{coding}:slice-max-mbs={rows * -(-stream.width // 16)}:scenecut=40",
        }
        packets = []
        for number, frame in enumerate(container.decode(stream)):
            if number == frames:
                break
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base, frame.pict_type = number, coder.time_base, 0
            packets += coder.encode(frame)
        packets += coder.encode(None)
    return [(packet.pts, bytes(packet)) for packet in packets]


def damaged(units, percent, seed):
    """The same without some slices, at least one per picture kept; and the times of the damaged pictures."""
    rng, made, times = np.random.default_rng(seed), [], set()
    for pts, data in units:
        nals = split_byte_stream(data)
        slices = [nal for nal in nals if nal.nal_unit_type in SLICES]
        lost = {id(nal) for nal in slices if rng.random() < percent / 100} if made else set()
        lost -= {id(slices[rng.integers(len(slices))])} if len(lost) == len(slices) else set()
        if lost:
            times.add(pts)
        made.append((pts, b"".join(b"\0\0\1" + bytes(nal.data) for nal in nals if id(nal) not in lost)))
    return made, times


def ours(units, function=conceal):
    """Luma by time."""
    coded_picture.conceal, found = function, {}
    decoder = Decoder(on_error="conceal", threads=1)
    for pts, data in units:
        for frame in decoder.feed(data, timestamp=pts, complete=True):
            found[frame.timestamp] = frame.planes[0].copy()
    found.update((frame.timestamp, frame.planes[0].copy()) for frame in decoder.flush())
    coded_picture.conceal = conceal
    return found


def ffmpeg(units):
    """Luma by time; frames that FFmpeg does not output are absent."""
    decoder, found = av.CodecContext.create("h264", "r"), {}
    decoder.thread_type, decoder.thread_count = "NONE", 1
    decoder.flags |= 8  # AV_CODEC_FLAG_OUTPUT_CORRUPT
    for pts, data in [*units, (None, None)]:
        packet = av.Packet(data) if data else None
        if packet:
            packet.pts = packet.dts = pts
        try:
            frames = decoder.decode(packet)
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            found[frame.pts] = frame.to_ndarray()[: frame.height]
    return found


def psnr(found, expected, times):
    """Mean over frames; a missing frame counts as a repetition of the last one before it."""
    there, values = sorted(found), []
    for time in sorted(times):
        near = max((one for one in there if one <= time), default=there[0])
        error = np.mean((found[near].astype(np.int32) - expected[time]) ** 2)
        values.append(10 * np.log10(255**2 / max(error, 255**2 / 1e6)))  # at most 60 dB, so that no frame dominates
    return np.mean(values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--lost", type=float, default=5, help="percent of slices")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--codings", nargs="+", default=list(CODINGS), choices=CODINGS)
    arguments = parser.parse_args()
    print(
        "| clip | coding | frames that lack slices | copy | FFmpeg | conceal "
        "| all frames: copy | FFmpeg | conceal |\n|---|---|---|---|---|---|---|---|---|"
    )
    for path in arguments.clips:
        for name in arguments.codings:
            units = encoded(path, CODINGS[name], arguments.frames)
            expected = ours(units)
            units, times = damaged(units, arguments.lost, seed=1)
            runs = [ours(units, copied), ffmpeg(units), ours(units)]
            figures = [psnr(run, expected, some) for some in (times, expected) for run in runs]
            print(
                f"| {path.name.split('.')[0]} | {name} | {len(times)} of {len(expected)} | "
                f"{' | '.join(f'{value:.2f}' for value in figures)} |"
            )
