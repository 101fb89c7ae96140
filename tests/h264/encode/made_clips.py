"""Clips for the encoder's tests, and what the encoder says it made of them."""

import io
from fractions import Fraction

import numpy as np
import pytest

import codec
from codec.h264.encode.encoder import Encoder
from codec.h264.encode.frames import Intake
from codec.h264.encode.parameters import rate_of
from codec.h264.encode.settings import settings_of


def moving(width, height, count, seed=0):
    """Smooth texture that moves by whole and half samples, a block that moves the other way, and a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, ((height + count) // 8 + 4, (width + 3 * count) // 8 + 4, 3)).astype(np.float64)
    wide = np.kron(coarse, np.ones((8, 8, 1)))
    for axis in (0, 1):
        wide = sum(np.roll(wide, shift, axis) for shift in range(-3, 4)) / 7
    frames = []
    for i in range(count):
        y, x = 8 + i, 8 + 3 * i
        half = (wide[y : y + height, x : x + width] + wide[y : y + height, x + 1 : x + 1 + width]) / 2
        frame = half if i % 2 else wide[y : y + height, x : x + width].copy()
        rows, columns = max(height // 3, 1), max(width // 3, 1)
        frame[rows : 2 * rows, columns : 2 * columns] = wide[4 : 4 + rows, 2 * (count - i) : 2 * (count - i) + columns]
        frames.append(np.clip(frame + rng.normal(0, 2, frame.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def noise(width, height, count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def flat(width, height, count, seed=0):
    """Extremes, still for some frames, then swapped: large residuals, then none."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:, :, width // 2 :] = 255
    frames[count // 2 :] ^= 255
    return frames


def text(width, height, count, seed=0):
    """Hard edges of few colours, scrolling: screen content."""
    rng = np.random.default_rng(seed)
    page = np.where(rng.random((height + 4 * count, width, 1)) < 0.2, 20, 235).astype(np.uint8)
    return np.stack([np.repeat(page[4 * i : 4 * i + height], 3, axis=2) for i in range(count)])


CONTENT = {"moving": moving, "noise": noise, "flat": flat, "text": text}


def encoded(frames, *, fps=25, preset="medium", tune=None, qp=28, crf=None, bitrate=None, keyint=250, threads=1,
            vbv=(None, None), level=None, **more):  # fmt: skip
    """(stream, [reconstruction of each frame], [Coded])."""
    settings = settings_of(
        None if bitrate or crf is not None else qp, crf, bitrate, preset, tune, keyint, threads, vbv_maxrate=vbv[0],
        vbv_bufsize=vbv[1], level=level, **more,
    )  # fmt: skip

    def examine(frame, picture, sizes):
        return [np.array(plane) for plane in picture.planes()]

    encoder, pictures = Encoder(settings, rate_of(fps), examine=examine), []
    for frame in map(Intake(settings.lossless), frames):
        pictures += encoder.encode(frame)
    pictures += encoder.flush()
    encoder.close()
    shown = sorted(pictures, key=lambda one: one.number)
    assert [one.number for one in shown] == list(range(len(pictures)))
    return b"".join(one.data for one in pictures), [one.found for one in shown], pictures


def write_at(path, frames, ticks):
    """Write RGB frames without loss to a Matroska file, each to be shown from its tick on, in milliseconds."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt, video.time_base = "yuv420p", Fraction(1, 1000)
        video.codec_context.time_base = video.time_base
        for pixels, tick in zip(frames, ticks):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = tick, video.time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def cropped(planes, width, height):
    """The shown part of planes in whole macroblocks: 4:2:0 crops by two samples of luma, 4:0:0 by one."""
    if len(planes) > 1:
        width, height = width + width % 2, height + height % 2
    sizes = [(height, width), *[(height // 2, width // 2)] * 2]
    return [plane[:rows, :columns] for plane, (rows, columns) in zip(planes, sizes)]


def by_ffmpeg(data):
    """Planes of each frame as FFmpeg decodes them."""
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(data), format="h264") as container:
        container.streams.video[0].thread_type = "NONE"
        return [
            [
                np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
                for plane in frame.planes
            ]
            for frame in container.decode(video=0)
        ]


def assert_decodes_to(data, planes, width, height):
    """Our decoder and FFmpeg give the reconstruction, bit for bit."""
    wanted = [cropped(one, width, height) for one in planes]
    for decoded in ([list(frame.planes) for frame in codec.decode_video(data)], by_ffmpeg(data)):
        assert len(decoded) == len(wanted)
        for number, (found, one) in enumerate(zip(decoded, wanted)):
            for a, b in zip(one, found):
                np.testing.assert_array_equal(a, b, err_msg=f"frame {number}")
