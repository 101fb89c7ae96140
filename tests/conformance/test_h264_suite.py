"""Streams of the H.264 suites, bit for bit: MD5 of all planes against the manifest, which has the published ones, else FFmpeg's.

Quick runs take streams of at most QUICK_SAMPLES luma samples in all; CODEC_ROBUSTNESS=full takes every one.
"""

import hashlib
import os

import pytest

import codec

QUICK_SAMPLES = 1_500_000
FULL = os.environ.get("CODEC_ROBUSTNESS") == "full"


def digest(path, **options):
    """(MD5 over the planes of all frames, deeper samples as little-endian 16-bit; number of frames)"""
    md5, frames = hashlib.md5(usedforsecurity=False), 0
    for frames, frame in enumerate(codec.decode_video(path, **options), 1):
        for plane in frame.planes:
            md5.update(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
    return md5.hexdigest(), frames


def chosen(streams):
    for vector, (row, path) in streams.items():
        width, height = map(int, row["size"].split("x"))
        if not row["damaged"] and (FULL or width * height * row["frames"] <= QUICK_SAMPLES):
            yield vector, row, path


def test_every_stream_is_bit_exact(streams):
    wrong = [vector for vector, row, path in chosen(streams) if digest(path) != (row["decoded_md5"], row["frames"])]
    assert wrong == []


def test_the_choice_is_wide(streams):
    rows = [row for _, row, _ in chosen(streams)]
    assert {row["entropy"] for row in rows} == {"CAVLC", "CABAC"}
    assert len({row["profile"] for row in rows}) >= 4 and any("MBAFF" in row["structure"] for row in rows)


def test_damaged_streams_decode_or_raise_and_are_concealed(streams):
    for row, path in (found for found in streams.values() if found[0]["damaged"]):
        try:
            digest(path)
        except codec.CodecError as error:
            assert str(error)
        _, frames = digest(path, on_error="conceal")
        assert frames >= row["frames"]


@pytest.mark.parametrize("low_delay", [False, True])
def test_low_delay_changes_when_frames_come_and_not_which(streams, low_delay):
    for vector, row, path in list(chosen(streams))[:20]:
        assert digest(path, low_delay=low_delay) == (row["decoded_md5"], row["frames"]), vector
