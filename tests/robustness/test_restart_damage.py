"""Restart markers lost, duplicated, reordered, with damage between them: the mask covers all pixels that changed."""

import hostile
import numpy as np
import pytest
from codec.jpeg._segments import find_segments
from hostile import craft

import codec

# 4:4:4 without chroma upsampling, so that damage of an MCU stays within its pixels.
DATA = codec.encode(hostile.picture(64, 128), 60, effort=3, subsampling="4:4:4", restart_interval=4)
WHOLE = codec.decode(DATA)
SCAN = hostile.offsets(DATA, 0xDA)[0] + 14
SEGMENTS, END = find_segments(DATA, SCAN)
PARTS = [DATA[begin:end] for begin, end, _ in SEGMENTS]  # 32 intervals of 4 MCUs: 8 rows of 16


def assemble(parts, numbers=None):
    """The file with these intervals; numbers[i] is the number of the marker before interval i, None for no marker."""
    numbers = numbers or [i - 1 & 7 for i in range(len(parts))]
    chunks = [DATA[:SCAN], parts[0]]
    for part, number in zip(parts[1:], numbers[1:]):
        chunks += [b"" if number is None else bytes((0xFF, 0xD0 + number)), part]
    return b"".join(chunks) + DATA[END:]


def conceal(data):
    strict, result = hostile.judge(data)
    return strict, result


def covers(result, whole=WHOLE, size=8):
    """Pixels outside the mask equal those of the intact picture. Returns the number of lost MCUs."""
    if result.damage is None:
        assert np.array_equal(result.pixels, whole)
        return 0
    differs = (result.pixels != whole).any(axis=-1)
    high, wide = result.damage.mask.shape
    by_mcu = differs.reshape(high, size, wide, size).any(axis=(1, 3))
    assert not (by_mcu & ~result.damage.mask).any()
    return result.damage.mcus_lost


def test_the_parts_make_the_whole():
    assert len(PARTS) == 32 and assemble(PARTS) == DATA


@pytest.mark.parametrize("missing", [1, 2, 3, 8, 9, 30, 31])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_intervals_lost(missing, count):
    """Up to three adjacent intervals with their markers: only these are lost, and all that follows stays in place."""
    keep = [i for i in range(32) if not missing <= i < missing + count]
    strict, result = conceal(assemble([PARTS[i] for i in keep], [i - 1 & 7 for i in keep]))
    assert strict is None
    lost = min(count, 32 - missing)
    assert covers(result) == 4 * lost
    assert result.damage.mask.reshape(-1)[4 * missing : 4 * (missing + lost)].all()


@pytest.mark.parametrize("at", [1, 5, 16, 31])
def test_an_interval_twice(at):
    order = list(range(32))
    order.insert(at, at)
    strict, result = conceal(assemble([PARTS[i] for i in order], [i - 1 & 7 for i in order]))
    assert strict is None or np.array_equal(strict.pixels, WHOLE)
    assert covers(result) == 0 and (result.damage is None) == (strict is not None)


@pytest.mark.parametrize("a,b", [(3, 4), (3, 5), (10, 12), (30, 31)])
def test_intervals_swapped(a, b):
    order = list(range(32))
    order[a], order[b] = order[b], order[a]
    strict, result = conceal(assemble([PARTS[i] for i in order], [i - 1 & 7 for i in order]))
    assert strict is None
    assert 0 < covers(result) <= 4 * (b - a + 1)


@pytest.mark.parametrize("at", [1, 7, 20, 31])
def test_a_marker_lost_between_two_intervals(at):
    """The interval before it consumes the next one's bits; later intervals are recovered by their numbers."""
    numbers = [i - 1 & 7 for i in range(32)]
    numbers[at] = None
    strict, result = conceal(assemble(PARTS, numbers))
    assert strict is None
    assert covers(result) == 4


@pytest.mark.parametrize("at", [1, 7, 20, 31])
@pytest.mark.parametrize("shift", [1, 2, 3, 4, 7])
def test_a_marker_with_another_number(at, shift):
    numbers = [i - 1 & 7 for i in range(32)]
    numbers[at] = numbers[at] + shift & 7
    strict, result = conceal(assemble(PARTS, numbers))
    assert strict is None
    assert (
        "a restart marker is out of sequence" in result.damage.report and f"MCU {4 * at} of 128" in result.damage.report
    )
    assert covers(result) == (
        4 if at == 31 else 0
    )  # the next marker shows that only the number is wrong; the last has no next


def test_damage_stays_in_its_interval():
    """Bits overwritten by ones, which are no valid code: everything after the next marker is intact."""
    for at in range(32):
        broken = list(PARTS)
        broken[at] = PARTS[at][:2] + b"\xff\x00" * (len(PARTS[at]) // 2)
        strict, result = conceal(assemble(broken))
        assert strict is None
        differs = (result.pixels != WHOLE).any(axis=-1).reshape(8, 8, 16, 8).any(axis=(1, 3)).reshape(-1)
        assert not differs[: 4 * at].any() and not differs[4 * at + 4 :].any()
        assert result.damage.mask.reshape(-1)[4 * at : 4 * at + 4].any()


def test_truncation_is_covered():
    for size in range(SCAN + 10, END, 97):
        result = codec.jpeg.decode(DATA[:size], on_error="conceal")
        # The block in which the data ends may be read from the zeros behind it; it is reported as well.
        assert covers(result) > 0


@pytest.mark.parametrize("interval", [1, 3, 65535])
def test_interval_against_markers(interval):
    """DRI without restart markers in the scan, and the reverse."""
    at = hostile.offsets(DATA, 0xDD)[0]
    for data in (
        DATA[: at + 4] + interval.to_bytes(2, "big") + DATA[at + 6 :],
        DATA[:at] + DATA[at + 6 :],
        DATA[: at + 4] + b"\0\0" + DATA[at + 6 :],
    ):
        strict, result = conceal(data)
        assert strict is None and result.damage.mcus_lost > 0


def test_progressive_truncation_is_covered():
    data = codec.encode(hostile.picture(48, 48, 1)[..., 0], 60, effort=5, restart_interval=2)
    whole = codec.decode(data)
    for size in range(hostile.offsets(data, 0xDA)[0] + 12, len(data) - 2, 23):
        result = codec.jpeg.decode(data[:size], on_error="conceal")
        differs = (result.pixels != whole).reshape(6, 8, 6, 8).any(axis=(1, 3))
        assert not (differs & ~result.damage.mask).any(), size


def test_scans_missing_from_a_sequential_picture_are_covered():
    data = craft(40, 40, scans=hostile.sequential_scans(3))
    starts = hostile.offsets(data, 0xDA)
    for at in starts[1:]:
        result = codec.jpeg.decode(data[:at], on_error="conceal")
        assert result.damage.mask.all()


def test_errors_say_which_byte_and_which_clause():
    for at in (3, 12, 25):
        broken = list(PARTS)
        broken[at] = b"\xff\x00" * 40
        with pytest.raises(
            codec.BitstreamError, match=rf"entropy-coded data at byte \d+: .*at MCU {4 * at} of 128 .*T.81 F.2.2"
        ) as caught:
            codec.decode(assemble(broken))
        begin = SCAN + sum(len(part) + 2 for part in broken[:at])
        assert begin <= caught.value.offset <= begin + 80
