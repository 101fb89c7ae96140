"""codec.Limits: on by default, per call, checked before memory or time is spent."""

import io
import sys

import numpy as np
import pytest

import codec
from codec.limits import DEFAULT_LIMITS, checked_limits

DATA = codec.encode(
    np.zeros((20, 30, 3), np.uint8), effort=2, progressive=True, metadata=codec.jpeg.Metadata(comments=(b"x" * 100,))
)
READERS = (codec.decode, codec.jpeg.decode, codec.probe, codec.jpeg.inspect)


@pytest.mark.parametrize("reader", READERS)
def test_pixels(reader):
    reader(DATA, limits=codec.Limits(pixels=600))
    with pytest.raises(
        codec.LimitError, match=r"30x20 is 600 pixels; Limits.pixels allows 599: pass limits=Limits\(pixels=\.\.\.\)"
    ):
        reader(DATA, limits=codec.Limits(pixels=599))


@pytest.mark.parametrize("reader", READERS)
def test_metadata_bytes(reader):
    headers = 18  # JFIF, marker and length included
    reader(DATA, limits=codec.Limits(metadata_bytes=104 + headers))
    with pytest.raises(codec.LimitError, match="Limits.metadata_bytes"):
        reader(DATA, limits=codec.Limits(metadata_bytes=103 + headers))


@pytest.mark.parametrize("reader", READERS)
def test_segments(reader):
    with pytest.raises(codec.LimitError, match="Limits.segments"):
        reader(DATA, limits=codec.Limits(segments=3))


@pytest.mark.parametrize("reader", READERS)
def test_file_bytes(reader, tmp_path):
    """Applies to sources that are read; bytes are in memory already, so refusing them would save nothing."""
    limits = codec.Limits(file_bytes=len(DATA) - 1)
    (tmp_path / "a.jpg").write_bytes(DATA)
    for source in (tmp_path / "a.jpg", io.BytesIO(DATA)):
        with pytest.raises(codec.LimitError, match="Limits.file_bytes"):
            reader(source, limits=limits)
    reader(tmp_path / "a.jpg", limits=codec.Limits(file_bytes=len(DATA)))
    reader(DATA, limits=limits)


def test_no_more_is_read_than_the_limit():
    class Endless(io.RawIOBase):
        given = 0

        def readable(self):
            return True

        def read(self, size=-1):
            assert 0 < size
            self.given += size
            return b"\xff" * size

    stream = Endless()
    with pytest.raises(codec.LimitError):
        codec.decode(stream, limits=codec.Limits(file_bytes=3_000_000))
    assert stream.given == 3_000_001


def test_scans():
    """A progressive colour picture has ten scans."""
    for reader in (codec.decode, codec.jpeg.inspect):
        reader(DATA, limits=codec.Limits(scans=10, scan_pixels=1))
        reader(DATA, limits=codec.Limits(scans=1, scan_pixels=10 << 16))
        with pytest.raises(codec.LimitError, match="10 scans over 30x20 pixels"):
            reader(DATA, limits=codec.Limits(scans=9, scan_pixels=(10 << 16) - 1))


def test_more_scans_than_a_picture_has_bits():
    """Whatever its size: thousands of scans of a thumbnail that repeat what is known take seconds."""
    at, end = DATA.rindex(b"\xff\xda"), len(DATA) - 2
    for more in (4000, 30000):
        data = DATA[:end] + more * DATA[at:end] + DATA[end:]
        for reader in (codec.decode, codec.jpeg.inspect, codec.jpeg.read_coefficients, codec.decode_planes):
            with pytest.raises(codec.LimitError, match=r"\d+ scans over 30x20 pixels.*up to 3584 .*Limits\(scans"):
                reader(data)
    assert codec.Limits(scans=5000).check_scans(4010, 30, 20) is None
    assert codec.Limits().check_scans(3584, 30, 20) is None


def test_limits_hold_for_one_call():
    with pytest.raises(codec.LimitError):
        codec.decode(DATA, limits=codec.Limits(pixels=1))
    assert codec.decode(DATA).shape == (20, 30, 3)
    assert codec.Limits() == DEFAULT_LIMITS and checked_limits(None) is DEFAULT_LIMITS


def test_limits_cannot_be_changed():
    with pytest.raises(AttributeError):
        codec.Limits().pixels = 5


@pytest.mark.parametrize("name", sorted(vars(DEFAULT_LIMITS)))
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5", None, float("nan"), []])
def test_wrong_values_are_named(name, value):
    with pytest.raises(codec.ParameterError, match=f"Limits.{name} must be a positive integer"):
        codec.Limits(**{name: value})


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("limits", [5, "none", {"pixels": 5}, codec.Limits, np.array([1, 2])])
def test_wrong_types_are_named(reader, limits):
    with pytest.raises(codec.ParameterError, match="limits must be a codec.Limits"):
        reader(DATA, limits=limits)


def test_limits_as_large_as_numbers_go():
    limits = codec.Limits(**dict.fromkeys(vars(DEFAULT_LIMITS), sys.maxsize))
    assert codec.decode(DATA, limits=limits).shape == (20, 30, 3)
