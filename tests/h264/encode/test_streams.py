"""Every stream decodes, in our decoder and in FFmpeg, to what the encoder reconstructed."""

import hashlib

import numpy as np
import pytest
from made_clips import CONTENT, assert_decodes_to, by_ffmpeg, encoded, moving

import codec
from codec import cpu
from codec.h264.encode.settings import PRESETS, TUNES


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("content", CONTENT)
def test_reconstruction_is_what_decoders_show(preset, content):
    frames = CONTENT[content](50, 38, 6)
    data, planes, pictures = encoded(frames, preset=preset, qp=24)
    assert_decodes_to(data, planes, 50, 38)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 15), (33, 64), (200, 18)])
@pytest.mark.parametrize("qp", [0, 11, 51])
def test_any_size_at_any_qp(size, qp):
    for preset in ("ultrafast", "medium"):
        data, planes, _ = encoded(moving(*size, 4), preset=preset, qp=qp)
        assert_decodes_to(data, planes, *size)


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_gray(preset):
    frames = np.ascontiguousarray(moving(40, 24, 5)[..., 0])
    data, planes, _ = encoded(frames, preset=preset, qp=26)
    assert all(len(one) == 1 for one in planes)
    assert [frame.chroma for frame in codec.decode_video(data, monochrome="4:0:0")] == ["4:0:0"] * 5
    assert_decodes_to(data, planes, 40, 24)


def test_key_pictures_come_every_keyint_frames():
    data, planes, pictures = encoded(moving(32, 32, 7), keyint=3)
    assert_decodes_to(data, planes, 32, 32)
    assert [frame.key for frame in codec.decode_video(data)] == [i % 3 == 0 for i in range(7)]
    third = next(one for one in pictures if one.number == 3)  # decoding can start at any of them
    rest = data[data.index(third.data) :]
    assert len(by_ffmpeg(rest)) == len(list(codec.decode_video(rest))) == 4


def test_many_frames_wrap_all_counters():
    """frame_num and pic_order_cnt_lsb wrap; the buffers are reused."""
    frames = np.repeat(moving(16, 16, 10), 60, axis=0)
    data, planes, _ = encoded(frames, preset="ultrafast", keyint=1000)
    assert_decodes_to(data, planes, 16, 16)


def test_lower_qp_is_closer_and_larger():
    frames = moving(64, 48, 4)
    source = [codec.Frame.from_rgb(frame).planes[0].astype(int) for frame in frames]
    sizes, errors = [], []
    for qp in (20, 30, 40):
        data, planes, _ = encoded(frames, qp=qp)
        sizes.append(len(data))
        errors.append(sum(((a - b[0][:48, :64]) ** 2).sum() for a, b in zip(source, planes)))
    assert sizes == sorted(sizes, reverse=True) and errors == sorted(errors)


def test_still_pictures_cost_next_to_nothing():
    frames = np.repeat(moving(64, 64, 1), 20, axis=0)
    one, many = len(encoded(frames[:1])[0]), len(encoded(frames)[0])
    assert many < one + 19 * 60


@pytest.mark.parametrize("preset", ["ultrafast", "medium", "slow"])
def test_the_same_bytes_at_any_cpu_level_and_run(preset):
    frames, before = moving(48, 48, 5), cpu.level()
    digests = set()
    try:
        for level in ("scalar", before):
            cpu.force(level)
            digests.add(hashlib.sha256(encoded(frames, preset=preset)[0]).hexdigest())
    finally:
        cpu.force(before)
    assert len(digests) == 1


def pcm_macroblocks(data):
    """How many of all macroblocks are I_PCM, by the flag of _picture.pxd."""
    flags = np.stack([frame.side_data["flags"] for frame in codec.decode_video(data, side_data=True)])
    return int((flags & 2 > 0).sum()), flags.size


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_what_costs_more_than_its_samples_is_sent_as_samples(preset):
    """A.3.1: a macroblock has at most 3200 bits."""
    frames = CONTENT["noise"](48, 32, 4)
    data, planes, pictures = encoded(frames, preset=preset, qp=0)
    assert_decodes_to(data, planes, 48, 32)
    assert pcm_macroblocks(data) == (24, 24)
    assert all(8 * len(one.data) <= 6 * 3200 + 1000 for one in pictures)
    mixed = moving(48, 32, 4)
    mixed[:, :16, 16:32] = frames[:, :16, 16:32]
    data, planes, _ = encoded(mixed, preset=preset, qp=6)
    assert_decodes_to(data, planes, 48, 32)
    found, total = pcm_macroblocks(data)
    assert 0 < found < total


@pytest.mark.parametrize("case", range(12))
def test_random_settings(case):
    rng = np.random.default_rng(case)
    width, height, count = (int(n) for n in (rng.integers(1, 90), rng.integers(1, 70), rng.integers(1, 14)))
    name = str(rng.choice(list(CONTENT)))
    frames = CONTENT[name](width, height, count, seed=case)
    if rng.random() < 0.2:
        frames = np.ascontiguousarray(frames[..., 0])
    settings = {
        "preset": str(rng.choice(list(PRESETS))), "keyint": int(rng.integers(1, 20)), "threads": int(rng.integers(1, 4)),
        "tune": [None, *TUNES][int(rng.integers(len(TUNES) + 1))],
        **[{"qp": int(rng.integers(0, 52))}, {"qp": None, "crf": float(rng.uniform(0, 51))},
           {"bitrate": int(rng.integers(10, 500)) * 1000}][int(rng.integers(3))],
    }  # fmt: skip
    data, planes, _ = encoded(frames, **settings)
    assert_decodes_to(data, planes, width, height)


GOLDEN = {
    "ultrafast": "8aa894ace6f22dfa",
    "medium": "e0fec805eac6eb0c",
}


@pytest.mark.parametrize("preset", GOLDEN)
def test_the_bytes_are_the_same_on_every_machine(preset):
    """A change here changes what users get: the changelog says so."""
    frames = np.stack([np.add.outer(np.arange(40) * 5 + 3 * i, np.arange(56) * 3) for i in range(7)]) % 251
    frames = np.stack([frames, frames[:, ::-1] // 2, 255 - frames], axis=3).astype(np.uint8)
    assert hashlib.sha256(encoded(frames, preset=preset, qp=26)[0]).hexdigest()[:16] == GOLDEN[preset]
