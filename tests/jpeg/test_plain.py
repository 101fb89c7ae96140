"""Pictures whose headers are read natively: whatever the file, the result is that of `Decoder`, which knows all kinds."""

import io

import numpy as np
import pytest
from PIL import Image

import codec
from codec.jpeg import decoder, markers
from codec.jpeg.scans import ScanSpec
from codec.limits import Limits

PLAIN = {
    "standard tables": dict(effort=1),
    "its own tables": dict(effort=3),
    "progressive": dict(progressive=True),
    "progressive, 4:4:4": dict(progressive=True, subsampling="4:4:4"),
    "restart intervals": dict(effort=3, restart_interval=2),
    "progressive with restart intervals": dict(progressive=True, restart_interval=3),
}


def coded(**options):
    rng = np.random.default_rng(3)
    image = np.clip(rng.normal(128, 20, (41, 50, 3)).cumsum(axis=1) / 8, 0, 255).astype(np.uint8)
    image[:16, :16] = 77  # runs of ended bands
    return codec.encode(image, 70, **options)


def outcome(decode):
    try:
        pixels, info, warnings, doubts, damage = decode()
    except codec.CodecError as error:
        return type(error), str(error)
    return pixels.shape, pixels.tobytes(), info, warnings, doubts, damage and damage.report


def both(data, limits=None):
    """What `decoded` finds, and `Decoder`."""
    known = limits or Limits()
    quick = outcome(lambda: decoder.decoded(data, "raise", limits, 1, 1, None, "auto", None))
    return quick, outcome(lambda: decoder.Decoder(data, False, known).run())


def is_plain(data):
    return decoder._decode_plain(data, None, Limits(), 1) is not None


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN)
def test_plain_pictures_are_those_of_the_decoder(options):
    data = coded(**options)
    assert is_plain(data)
    quick, known = both(data)
    assert quick == known and len(known) == 6
    threaded = decoder.decoded(data, "raise", None, 3, 1, None, "auto", None)
    assert threaded[0].tobytes() == known[1]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_plain_pictures_of_other_colours(mode, progressive):
    buffer = io.BytesIO()
    image = Image.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(48, 40, 3)).convert(mode)
    image.save(buffer, "JPEG", progressive=progressive, optimize=True)
    assert is_plain(buffer.getvalue())
    quick, known = both(buffer.getvalue())
    assert quick == known


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN)
def test_damaged_files_are_left_to_the_decoder(options):
    data, rng = coded(**options), np.random.default_rng(8)
    header = data.index(b"\xff\xda") + 14
    for trial in range(150):
        damaged = bytearray(data)
        for _ in range(rng.integers(1, 3)):
            at = int(rng.integers(2, header)) if trial % 2 else int(rng.integers(header, len(data)))
            if trial % 5 == 0:
                del damaged[at : at + int(rng.integers(1, 5))]
            else:
                damaged[min(at, len(damaged) - 1)] = int(rng.integers(256))
        quick, known = both(bytes(damaged))
        assert quick == known


@pytest.mark.parametrize("lengths", [b"\xff", b"\x03", b"\0"])
def test_tables_that_cannot_be_are_left_to_the_decoder(lengths):
    """More symbols than there are, more codes of a bit than exist, and fewer symbols."""
    for options in PLAIN.values():
        data = coded(**options)
        for at in (data.index(b"\xff\xc4") + 5, data.rindex(b"\xff\xc4") + 5):
            quick, known = both(data[:at] + lengths + data[at + 1 :])
            assert quick == known


def test_more_tables_than_are_kept():
    data = coded(effort=3)
    at = data.index(b"\xff\xc4")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    for copies, plain in ((20, True), (200, False)):
        repeated = data[:at] + copies * data[at:end] + data[end:]
        quick, known = both(repeated)
        assert quick == known and is_plain(repeated) == plain


def pieces(data):
    """[(marker or "data", bytes)] of a file."""
    report, parts, at = codec.jpeg.inspect(data), [], 0
    for segment in report["segments"]:
        begin, end = segment["offset"], segment["offset"] + segment["length"]
        if begin > at:
            parts.append(("data", data[at:begin]))
        parts.append((segment["marker"], data[begin:end]))
        at = end
    return parts


@pytest.mark.parametrize("options", [PLAIN["progressive"], PLAIN["its own tables"]], ids=["progressive", "sequential"])
def test_files_without_a_segment_or_with_it_twice(options):
    """Scans that are missing or repeated among them."""
    parts = pieces(coded(**options))
    assert b"".join(part for _, part in parts) == coded(**options)
    for i in range(1, len(parts)):
        for some in (
            parts[:i] + parts[i + 1 :],
            parts[: i + 1] + parts[i:],
            parts[:i] + parts[i : i + 2][::-1] + parts[i + 2 :],
        ):
            quick, known = both(b"".join(part for _, part in some))
            assert quick == known


def test_segments_that_may_stand_between_scans(handmade):
    script = (ScanSpec((0,), 0, 0, 0, 0), ScanSpec((0,), 1, 20, 0, 0), ScanSpec((0,), 21, 63, 0, 0))
    data = handmade(24, 24, SOFn=markers.SOF2, script=script).data
    at = data.rindex(b"\xff\xc4")
    assert is_plain(data)
    for extra in (
        markers.write_segment(markers.COM, b"here"),
        markers.write_restart_interval(2),
        markers.write_quant_tables({0: np.ones(64, np.uint16)}),
        b"\xff",
        b"\0\0",
    ):
        quick, known = both(data[:at] + extra + data[at:])
        assert quick == known


def test_identifiers_that_repeat_and_bands_that_nobody_sends(handmade):
    for ids, script in (
        (b"\1\2\3\1", ()),
        (b"\7\7\7\7", ()),
        (b"\1\2\3\4", tuple(ScanSpec((i,), 0, 0, 0, 0) for i in range(4))),
        (b"\1\2\3\4", (ScanSpec((0, 1, 2, 3), 0, 0, 0, 0), *(ScanSpec((i,), 1, 62, 0, 0) for i in range(4)))),
    ):
        SOFn = markers.SOF2 if script else markers.SOF0
        quick, known = both(handmade(20, 20, ((1, 1),) * 4, "cmyk", SOFn=SOFn, script=script, ids=ids).data)
        assert quick == known


def test_limits_of_plain_pictures():
    data = coded(progressive=True)
    for limits in (
        *(Limits(segments=n) for n in range(1, 40)),
        *(Limits(scans=n, scan_pixels=1) for n in range(1, 14)),
        Limits(pixels=2000),
        Limits(metadata_bytes=4),
    ):
        quick, known = both(data, limits)
        assert quick == known


def test_more_scans_than_are_plain(handmade):
    script = (ScanSpec((0,), 0, 0, 0, 0), *(ScanSpec((0,), k, k, 0, 0) for k in range(1, 64)))
    data = handmade(16, 16, SOFn=markers.SOF2, script=script).data
    assert not is_plain(data)
    quick, known = both(data)
    assert quick == known and len(known) == 6
