"""Levels as arrays: exact round trips for every process, and invalid levels are refused."""

from dataclasses import replace

import numpy as np
import pytest

import codec
from codec import jpeg
from codec._core import ZIGZAG
from codec.jpeg import markers, read_coefficients, write_coefficients
from codec.jpeg.scans import ScanSpec, progressive_script

SAMPLINGS = [
    ((1, 1),),
    ((2, 3),),
    ((1, 1),) * 3,
    ((2, 2), (1, 1), (1, 1)),
    ((2, 1), (1, 1), (1, 1)),
    ((1, 2), (1, 1), (1, 2)),
    ((2, 2),) * 3,
    ((4, 2), (1, 1), (2, 1)),
    ((3, 1), (1, 1), (1, 1)),
    ((2, 1), (1, 1), (1, 1), (2, 1)),
    ((4, 4), (1, 1), (1, 1)),
]


def natural(levels_zz):
    levels = np.empty_like(levels_zz)
    levels[..., ZIGZAG] = levels_zz
    return levels.reshape(*levels.shape[:2], 8, 8)


def file_of(handmade, height, width, factors, **settings):
    """A handmade file; more than ten blocks in an MCU need a scan for each component."""
    script = () if sum(H * V for H, V in factors) <= 10 else tuple(ScanSpec((i,)) for i in range(len(factors)))
    return handmade(height, width, factors, **{"script": script, **settings})


@pytest.mark.parametrize("factors", SAMPLINGS)
@pytest.mark.parametrize(
    "SOFn, precision", [(markers.SOF0, 8), (markers.SOF1, 12), (markers.SOF2, 8), (markers.SOF2, 12)]
)
def test_levels_are_those_of_the_file(handmade, factors, SOFn, precision):
    script = (
        {"script": progressive_script(len(factors), "rgb")}
        if SOFn == markers.SOF2 and sum(H * V for H, V in factors) <= 10
        else {}
    )
    made = file_of(
        handmade,
        37,
        61,
        factors,
        SOFn=SOFn if script or SOFn != markers.SOF2 else markers.SOF1,
        precision=precision,
        **script,
    )
    read = read_coefficients(made.data)
    assert (read.width, read.height, read.precision, read.sampling) == (61, 37, precision, factors)
    for levels, matrix, levels_zz in zip(read.levels, read.matrices, made.levels_zz):
        assert levels.dtype == np.int16 and np.array_equal(levels, natural(levels_zz))
        assert matrix.dtype == np.uint16 and np.array_equal(matrix.reshape(64), made.Q)


@pytest.mark.parametrize("factors", SAMPLINGS)
@pytest.mark.parametrize("precision", [8, 12])
@pytest.mark.parametrize(
    "settings", [{}, {"progressive": False}, {"progressive": False, "restart_interval": 2}, {"restart_interval": 3}]
)
def test_what_is_written_is_read_again(handmade, factors, precision, settings):
    first = read_coefficients(file_of(handmade, 37, 61, factors, SOFn=markers.SOF1, precision=precision).data)
    again = read_coefficients(write_coefficients(first, **settings))
    assert again.same_levels(first) and first.same_levels(again)
    assert ("progressive" in again.process) == settings.get("progressive", True)


def test_segments_come_back_in_file_order_and_the_trailer_too(handmade):
    before = (
        markers.write_segment(0xE5, b"first")
        + markers.write_segment(0xFE, b"second")
        + markers.write_segment(0xE1, b"third")
    )
    read = read_coefficients(handmade(8, 8, before=before).data + b"behind")
    assert (
        read.segments == ((0xE5, b"first"), (0xFE, b"second"), (0xE1, b"third"))
        and read.trailer == b"behind"
        and read.index_distance is None
    )
    data = write_coefficients(read)
    assert data.endswith(b"\xff\xd9behind") and read_coefficients(data).segments == read.segments


def test_each_component_has_its_own_matrix_and_equal_ones_are_written_once():
    rng = np.random.default_rng(1)
    source = read_coefficients(codec.encode(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), subsampling="4:4:4"))
    matrices = tuple(rng.integers(1, 65536 if i else 256, (8, 8)).astype(np.uint16) for i in range(2))
    changed = replace(source, matrices=(matrices[0], matrices[1], matrices[0]))
    data = write_coefficients(changed, progressive=False)
    assert (
        len(jpeg.inspect(data)["quant_tables"]) == 2 and jpeg.probe(data).process == "extended sequential"
    )  # steps above 255
    assert read_coefficients(data).same_levels(changed)


def test_levels_can_be_changed_and_written():
    source = read_coefficients(codec.encode(np.full((16, 16), 128, np.uint8), quality=100))
    levels = source.levels[0].copy()
    levels[0, 0, 0, 0], levels[1, 1, 0, 1] = 800, -40
    pixels = codec.decode(write_coefficients(replace(source, levels=(levels,))))
    assert pixels[0, 0] == 228 and pixels[15, 8] < pixels[15, 15] and (pixels[8:, :8] == 128).all()


def test_the_extremes_of_levels_can_be_coded(handmade):
    source = read_coefficients(handmade(16, 16, SOFn=markers.SOF1, precision=12).data)
    levels = np.zeros_like(source.levels[0])
    levels[..., 0, 0] = [[16383, -16384], [-16384, 16383]]
    levels[0, 0, 7, 7], levels[1, 0, 7, 7] = 16383, -16384
    for progressive in (True, False):
        changed = replace(source, levels=(levels,))
        assert read_coefficients(write_coefficients(changed, progressive=progressive)).same_levels(changed)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: {"levels": c.levels[:1]}, "components"),
        (lambda c: {"levels": tuple(x.astype(np.int32) for x in c.levels)}, "int16"),
        (lambda c: {"levels": tuple(x[:, :1] for x in c.levels)}, "shape"),
        (lambda c: {"levels": tuple(np.full_like(x, -16385) for x in c.levels)}, "-16384..16383"),
        (lambda c: {"matrices": tuple(x * 0 for x in c.matrices)}, "zeros"),
        (lambda c: {"sampling": ((5, 1), (1, 1), (1, 1))}, "sampling"),
        (lambda c: {"ids": (1, 1, 2)}, "ids"),
        (lambda c: {"width": 0}, "1..65535"),
        (lambda c: {"width": c.width + 16}, "shape"),
        (lambda c: {"precision": 10}, "8 or 12"),
        (lambda c: {"segments": ((0xC4, b""),)}, "marker 0xc4"),
        (lambda c: {"segments": ((0xE1, bytes(70000)),)}, "65533"),
    ],
)
def test_nonsense_is_refused_before_it_is_written(change, words):
    source = read_coefficients(codec.encode(np.zeros((16, 16, 3), np.uint8)))
    with pytest.raises(codec.ParameterError, match=words):
        replace(source, **change(source))


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"optimize": False}, codec.ParameterError),
        ({"restart_interval": 70000}, codec.ParameterError),
        ({"restart_interval": True}, codec.ParameterError),
    ],
)
def test_wrong_options_are_refused(settings, error):
    with pytest.raises(error):
        write_coefficients(read_coefficients(codec.encode(np.zeros((8, 8), np.uint8))), **settings)


@pytest.mark.parametrize(
    "progressive, process",
    [(False, "extended sequential, arithmetic coding"), (True, "progressive, arithmetic coding")],
)
@pytest.mark.parametrize("subsampling", ["444", "420"])
def test_arithmetic_coding_holds_the_same_coefficients_in_fewer_bytes(progressive, process, subsampling):
    image = np.cumsum(np.random.default_rng(1).integers(-9, 10, (120, 150, 3)), axis=1).clip(0, 255).astype(np.uint8)
    source = read_coefficients(codec.encode(image, subsampling=subsampling))
    data = write_coefficients(source, progressive=progressive, arithmetic=True)
    again = read_coefficients(data)
    assert again.process == process and again.same_levels(source)
    assert len(data) < len(write_coefficients(source, progressive=progressive))
    assert codec.jpeg.transcode(data).process == "progressive"


def test_fixed_tables_on_request():
    source = codec.encode(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8), effort=1)
    assert write_coefficients(read_coefficients(source), progressive=False, optimize=False) == source


# ---------------------------------------------------------------- damage


def test_damage_is_refused_or_concealed_on_request():
    data = codec.encode(np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8), progressive=False)
    with pytest.raises(codec.TruncatedError):
        read_coefficients(data[:-900])
    read = read_coefficients(data[:-900], on_error="conceal")
    assert read.damage.mcus_lost and np.array_equal(
        codec.decode(write_coefficients(read)), jpeg.decode(data[:-900], on_error="conceal").pixels
    )


def test_a_component_without_a_scan_is_refused(handmade):
    data = handmade(16, 16, ((1, 1),) * 3, script=(ScanSpec((0, 1)),)).data
    with pytest.raises(codec.BitstreamError, match="no scan holds component 3"):
        read_coefficients(data)
    assert not read_coefficients(data, on_error="conceal").levels[2].any()


def test_a_second_sequential_scan_replaces_the_first(handmade):
    made = handmade(16, 16, script=(ScanSpec((0,)), ScanSpec((0,))))
    assert np.array_equal(read_coefficients(made.data).levels[0], natural(made.levels_zz[0]))


def test_levels_beyond_the_standard_are_refused(handmade):
    made = handmade(8, 24)
    made.levels_zz[0][0, :, 0] = [16000, 32000, 16000]
    with pytest.raises(codec.BitstreamError, match="levels of"):
        read_coefficients(made.data)
    assert read_coefficients(made.data, on_error="conceal").levels[0][0, 1, 0, 0] == 16383


def test_limits_hold():
    with pytest.raises(codec.LimitError):
        read_coefficients(codec.encode(np.zeros((64, 64), np.uint8)), limits=codec.Limits(pixels=100))
