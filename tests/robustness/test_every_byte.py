"""Every truncation and single-byte corruption of small files of every kind, and files corrupted by other projects.

For each byte: all bits flipped, its top bit flipped, one more, and zero; with CODEC_ROBUSTNESS=full eleven more
values (hostile.values_for).
"""

import warnings

import hostile
import numpy as np
import pytest

import codec

NAMES = sorted(hostile.seeds())


@pytest.fixture(autouse=True)
def silent(capfd):
    yield
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_small_and_whole(seeds, name):
    assert len(seeds[name]) < 1100
    strict, concealed = hostile.judge(seeds[name])
    assert strict is not None and not strict.doubts


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation(seeds, name):
    data = seeds[name]
    whole = codec.jpeg.decode(data)
    for size in range(len(data)):
        strict, concealed = hostile.judge(data[:size])
        if size < len(data) - 2:
            assert strict is None or np.array_equal(strict.pixels, whole.pixels), size
        if concealed is not None and concealed.damage is not None:
            assert concealed.damage.mcus_lost > 0, size


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_corrupted(seeds, name):
    data = seeds[name]
    for at in range(len(data)):
        for value in hostile.values_for(data[at]):
            hostile.judge(data[:at] + bytes((value,)) + data[at + 1 :])


@pytest.mark.parametrize("name", NAMES)
def test_bytes_lost_and_added(seeds, name):
    data = seeds[name]
    for at in range(2, len(data), 1 if hostile.FULL else 3):
        hostile.judge(data[:at] + data[at + 1 :])
        hostile.judge(data[:at] + data[at : at + 1] + data[at:])
        hostile.judge(data[:at] + b"\xff" + data[at:])


def test_markers_anywhere(seeds):
    """Each marker code written over each place of a file with restart markers: SOF after SOS, SOI inside, tables
    redefined by accident ..."""
    data = seeds["baseline-420-restart"]
    for at in range(2, len(data) - 2, 1 if hostile.FULL else 7):
        for code in (
            0xC0,
            0xC2,
            0xC4,
            0xC9,
            0xD0,
            0xD7,
            0xD8,
            0xD9,
            0xDA,
            0xDB,
            0xDC,
            0xDD,
            0xDE,
            0xE1,
            0xFE,
            0x01,
            0x02,
        ):
            hostile.judge(data[:at] + bytes((0xFF, code)) + data[at + 2 :])


@pytest.mark.parametrize(
    "folder,count", [("jpeg/fuzz-seeds", 628), ("jpeg/image-rs-jpeg-decoder/crashtest", 72), ("jpeg/corkami", 6)]
)
def test_files_that_others_broke(data_files, folder, count):
    for path in data_files(folder, count):
        data = path.read_bytes()
        if len(data) < 200_000 or hostile.FULL:
            hostile.judge(data)


def test_damage_is_a_warning(seeds):
    data = seeds["baseline-420-restart"]
    with pytest.warns(codec.DamageWarning, match="MCUs lost"):
        codec.decode(data[:-60], on_error="conceal")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codec.decode(data)
