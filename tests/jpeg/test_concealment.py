"""What `on_error="conceal"` makes of damaged entropy-coded data and headers, beside libjpeg (Pillow)."""

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageFile

import codec
from codec import jpeg


@pytest.fixture
def pixels(picture):
    """Smooth enough that the codes of one place fit another: 16 x 16 MCUs in 4:2:0."""
    y, x = np.mgrid[:256, :256]
    smooth = np.stack([128 + 90 * np.sin(x / 23 + y / 31), 128 + 90 * np.cos(y / 19), (x + y) / 2], -1)
    return np.clip(smooth + picture(256, 256).astype(float) / 16, 0, 255).astype(np.uint8)


def entropy_coded(data):
    """Where the data of the first scan begins."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def damaged(data, count, way):
    """Copies with a bit flipped, a byte deleted or a byte set to zero."""
    places, begin = random.Random(way + "1"), entropy_coded(data)
    for _ in range(count):
        at, bit = places.randrange(begin, len(data) - 2), places.randrange(8)
        put = {"flip": bytes([data[at] ^ 1 << bit]), "delete": b"", "zero": b"\0"}[way]
        yield data[:at] + put + data[at + 1 :]


@pytest.fixture
def libjpeg(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    return lambda data: np.asarray(Image.open(io.BytesIO(data)))


def mse(a, b):
    return np.square(a.astype(float) - b).mean()


@pytest.mark.parametrize("way", ["flip", "delete", "zero"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_interval": 16}, {"subsampling": "4:4:4"}])
def test_damaged_scans_are_as_near_to_the_picture_as_those_of_libjpeg(pixels, libjpeg, options, way):
    data = codec.encode(pixels, 80, effort=3, **{"progressive": False, **options})
    ours, theirs = codec.decode(data), libjpeg(data)
    pairs = [
        (mse(jpeg.decode(each, on_error="conceal").pixels, ours), mse(libjpeg(each), theirs))
        for each in damaged(data, 20, way)
    ]
    mine, other = np.mean(pairs, axis=0)
    assert mine <= other * 1.01 + 0.5


def test_a_scan_goes_on_after_a_bad_code_and_the_rest_is_flagged(pixels):
    """Huffman codes find back to the beginnings of symbols: what follows is there, moved by some blocks perhaps."""
    data = codec.encode(pixels, 80, effort=3, progressive=False)
    begin = entropy_coded(data)
    for at in range(begin + 200, begin + 600, 40):  # no table of ours has a code of ones alone
        made = jpeg.decode(data[:at] + b"\xff\0\xff\0\xff\0" + data[at + 3 :], on_error="conceal")
        lost = np.flatnonzero(made.damage.mask.ravel())
        assert np.array_equal(lost, np.arange(lost[0], made.damage.mask.size)) and lost[0] > 0
        assert "Huffman code" in str(made.damage.errors[0]) or "out of the block" in str(made.damage.errors[0])
        assert made.pixels[-64:].std() > 20  # a flat rest has 0
        above = lost[0] // 16 * 16 - 16
        assert above < 0 or np.array_equal(made.pixels[:above], codec.decode(data)[:above])


def test_damage_ends_with_its_restart_interval(pixels):
    data = codec.encode(pixels, 80, effort=3, progressive=False, restart_interval=16)
    at = data.index(b"\xff\xd3") + 2 + 10  # in the fifth row of MCUs
    made = jpeg.decode(data[:at] + b"\xff\0\xff\0\xff\0" + data[at + 3 :], on_error="conceal")
    rows = np.flatnonzero(made.damage.mask.any(1))
    assert rows.tolist() == [4]
    assert np.array_equal(made.pixels[96:], codec.decode(data)[96:])


def segment(data, code):
    """Where the content of a segment begins."""
    return data.index(bytes([0xFF, code])) + 4


def put(data, at, value):
    return data[:at] + value + data[at + len(value) :]


def of_the_picture(data):
    return put(data, segment(data, 0xDA) + 1, b"\x47")


DHT, DQT, SOS, DRI = 0xC4, 0xDB, 0xDA, 0xDD
HEADERS = {
    "class of a Huffman table": lambda data: put(data, segment(data, DHT), b"\x20"),
    "class of another one": lambda data: put(data, data.rindex(b"\xff\xc4") + 4, b"\x71"),
    "destination of a Huffman table": lambda data: put(data, segment(data, DHT), b"\x04"),
    "precision of a quantization table": lambda data: put(data, segment(data, DQT), b"\x20"),
    "destination of a quantization table": lambda data: put(data, segment(data, DQT), b"\x04"),
    "more symbols of DC than there are": lambda data: put(data, segment(data, DHT) + 1, b"\xff"),
    "more symbols of AC than there are": lambda data: put(data, data.rindex(b"\xff\xc4") + 5, b"\xff"),
    "more codes than exist": lambda data: put(data, segment(data, DHT) + 1, b"\3\1\2"),
    "fewer codes of AC, and more of a bit than exist": lambda data: put(data, data.rindex(b"\xff\xc4") + 5, b"\3"),
    "identifier of a component": of_the_picture,
    "components of a scan": lambda data: put(data, segment(data, SOS), b"\x07"),
    "table of a component": lambda data: put(data, segment(data, SOS) + 2, b"\x40"),
}


@pytest.mark.parametrize("what", HEADERS)
def test_headers_that_cannot_be_are_guessed_and_all_is_flagged(pixels, what):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    data = HEADERS[what](buffer.getvalue())
    with pytest.raises(codec.errors.BitstreamError):
        codec.decode(data)
    made = jpeg.decode(data, on_error="conceal")
    assert np.array_equal(made.pixels, codec.decode(buffer.getvalue()))
    assert made.damage.mask.all() and len(made.damage.errors) == 1
    assert jpeg.read_coefficients(data, on_error="conceal").damage.mask.all()


@pytest.mark.parametrize("k", [0, 1, 5, 40])
def test_a_step_of_0_is_the_one_before(pixels, libjpeg, k):
    data = codec.encode(pixels, 90, effort=3, progressive=False)
    begin = segment(data, DQT) + 1
    damaged = put(data, begin + k, b"\0")
    made = jpeg.decode(damaged, on_error="conceal")
    near = data[begin + k - 1 : begin + k] if k else data[begin + 1 : begin + 2]
    assert np.array_equal(made.pixels, codec.decode(put(data, begin + k, near)))
    assert made.damage.mask.all() and "a step of 0" in str(made.damage.errors[0])
    assert mse(made.pixels, codec.decode(data)) <= mse(libjpeg(damaged), libjpeg(data)) + 1


@pytest.mark.parametrize("length", [b"\0\0", b"\0\1", b"\0\5"])
def test_a_restart_interval_of_an_impossible_length(pixels, length):
    data = codec.encode(pixels, 80, effort=3, progressive=False, restart_interval=16)
    damaged = put(data, segment(data, DRI) - 2, length)
    with pytest.raises(codec.errors.BitstreamError):
        codec.decode(damaged)
    if length != b"\0\5":  # swallows the marker that follows
        made = jpeg.decode(damaged, on_error="conceal")
        assert np.array_equal(made.pixels, codec.decode(data)) and "DRI of length" in str(made.damage.errors[0])


def test_what_cannot_be_guessed_is_an_error(pixels):
    data = codec.encode(pixels, 80, effort=3, progressive=False)
    for at, value in (
        (segment(data, 0xC0) + 7, b"\x00"),
        (segment(data, DHT) + 1, b"\xff"),  # symbols that are not those of Annex K
        (segment(data, SOS) - 2, b"\0\3"),
    ):
        for on_error in ("raise", "conceal"):
            with pytest.raises(codec.errors.CodecError):
                jpeg.decode(put(data, at, value), on_error=on_error)


def test_a_progressive_picture_ends_before_a_table_that_cannot_be(pixels):
    data = codec.encode(pixels, 80, effort=4, progressive=True)
    at = data.rindex(b"\xff\xc4")
    made = jpeg.decode(put(data, at + 5, b"\xff"), on_error="conceal")
    assert np.array_equal(made.pixels, jpeg.decode(data[:at], on_error="conceal").pixels)
    assert "more than there are" in str(made.damage.errors[-1]) and made.damage.mask.all()
