"""What frames of PyAV say beside their samples: the light of HDR is kept, other messages are named."""

import enum
import struct

import pytest

from codec.sources.light import Light, light_of


class Kind(enum.Enum):
    MASTERING_DISPLAY_METADATA = 11
    CONTENT_LIGHT_LEVEL = 14
    A53_CC = 1
    DOVI_METADATA = 24
    REGIONS_OF_INTEREST = 19


class Message(bytes):
    def __new__(cls, name, data=b""):
        self = super().__new__(cls, data)
        self.type = Kind[name]
        return self


class Frame:
    def __init__(self, *messages):
        self.side_data = messages


RED, GREEN, BLUE, WHITE = (0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329)


def mastering(points=(RED, GREEN, BLUE, WHITE), luminance=((5, 1000), (1000, 1)), known=(1, 1)):
    """FFmpeg's struct: red, green, blue, white, least and most luminance as rational numbers."""
    ratios = [part for x, y in points for part in (round(10_000 * x), 10_000, round(10_000 * y), 10_000)]
    ratios += [part for ratio in luminance for part in ratio]
    return Message("MASTERING_DISPLAY_METADATA", struct.pack("=22i", *ratios, *known))


def test_units_and_order_are_those_of_the_standard():
    light, left_out = light_of(Frame(mastering(), Message("CONTENT_LIGHT_LEVEL", struct.pack("=2I", 1000, 400))))
    wanted = (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50)
    assert light == Light(wanted, (1000, 400)) and left_out == []


@pytest.mark.parametrize(
    "message, wanted",
    [
        (mastering(known=(0, 1)), (0,) * 8 + (10_000_000, 50)),
        (mastering(known=(1, 0)), (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 0, 0)),
        (mastering(luminance=((1, 0), (-7, 3))), (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 0, 0)),
        (mastering(((9, 1),) * 4, ((2**31 - 1, 1), (2**31 - 1, 1))), (65535, 50000) * 4 + (2**32 - 1,) * 2),
        (Message("MASTERING_DISPLAY_METADATA", bytes(40)), ()),
    ],
)
def test_numbers_that_are_unknown_or_make_no_sense(message, wanted):
    assert light_of(Frame(message))[0] == Light(wanted)


def test_large_light_levels_fit_their_elements():
    message = Message("CONTENT_LIGHT_LEVEL", struct.pack("=2I", 1 << 20, 65536))
    assert light_of(Frame(message))[0].content == (65535, 65535)


def test_what_is_left_out_is_named():
    _, left_out = light_of(Frame(*map(Message, ("REGIONS_OF_INTEREST", "A53_CC", "DOVI_METADATA"))))
    assert left_out == ["its closed captions are left out", "its Dolby Vision metadata is left out"]


def test_kinds_that_pyav_does_not_know():
    class Newer:
        @property
        def side_data(self):
            raise ValueError("28 is not a valid Type")

    light, left_out = light_of(Newer())
    assert light == Light() and "which this PyAV cannot read" in left_out[0]
