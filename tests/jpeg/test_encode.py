"""The encoder: for every shape, colour and option, decoded files equal the encoder's reconstruction bit for bit."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from codec import errors, metrics
from codec.jpeg import EncodeOptions, QuantTables

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
COLORS = {"gray": 1, "ycbcr": 3, "rgb": 3, "cmyk": 4, "ycck": 4}
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:4:0", "4:2:0")
KINDS = [
    (color, subsampling)
    for color in COLORS
    for subsampling in (SUBSAMPLINGS if color in ("ycbcr", "ycck") else ("4:4:4",))
]


def check(image, reconstruct, quality=75, **options):
    """Encode, decode, compare with the reconstruction."""
    encoded = codec.jpeg.encode(image, quality, **options)
    decoded = codec.jpeg.decode(encoded.data)
    expected = reconstruct(image, EncodeOptions(quality, **options))
    wrong = np.argwhere((decoded.pixels != expected).reshape(*expected.shape[:2], -1).any(-1))
    assert not len(wrong), f"first difference at pixel {wrong[0]} of {image.shape}, {options}"
    assert decoded.pixels.shape == image.shape and decoded.pixels.dtype == np.uint8
    assert decoded.warnings == () and decoded.doubts == () and decoded.damage is None
    return encoded, decoded


# ---------------------------------------------------------------- reconstruction == decoded


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_every_size_from_1_to_17(subsampling, progressive, picture, reconstruct):
    for height in range(1, 18):
        for width in range(1, 18):
            check(picture(height, width), reconstruct, subsampling=subsampling, progressive=progressive, effort=1)


@pytest.mark.parametrize("color, subsampling", [kind for kind in KINDS if kind[0] != "ycbcr"])
def test_every_colour_at_sizes_around_a_block(color, subsampling, picture, reconstruct):
    for height in (1, 2, 7, 8, 9, 15, 16, 17):
        for width in (1, 2, 7, 8, 9, 15, 16, 17):
            for progressive in (False, True):
                check(
                    picture(height, width, COLORS[color]),
                    reconstruct,
                    color=color,
                    subsampling=subsampling,
                    progressive=progressive,
                )


@pytest.mark.parametrize("color, subsampling", KINDS)
@pytest.mark.parametrize("effort", range(1, 10))
def test_every_effort_of_every_kind(effort, color, subsampling, picture, reconstruct):
    image = picture(37, 51, COLORS[color])
    encoded, decoded = check(image, reconstruct, color=color, subsampling=subsampling, effort=effort)
    assert (encoded.color, encoded.subsampling) == (color, subsampling)
    assert (decoded.info.width, decoded.info.height, decoded.info.color) == (51, 37, color)


@pytest.mark.parametrize("side", [8, 9, 15, 16, 17])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_every_effort_keeps_the_colour_of_icons(side, subsampling, picture):
    """Of one block a component; levels that are chosen again may share its memory."""
    image = picture(side, side)
    for effort in (7, 8, 9):
        shown = codec.decode(codec.encode(image, effort=effort, subsampling=subsampling))
        means = shown.mean(axis=(0, 1)), image.mean(axis=(0, 1))
        assert np.abs(np.subtract(*means)).max() < 6, effort


@pytest.mark.parametrize("side", [64, 128])
def test_small_pictures_of_few_levels_are_one_scan_without_a_search(monkeypatch, side):
    """That is as small: a search finds nothing better for this photograph."""
    from codec.jpeg import pipeline

    image = np.asarray(Image.open(SAMPLES / "coffee.png").convert("RGB"))[100 : 100 + side, 200 : 200 + side]
    quick = codec.encode(image, 75)
    assert quick == codec.encode(image, 75, progressive=False)
    monkeypatch.setattr(pipeline, "TINY", 0)
    monkeypatch.setattr(pipeline, "MODEST", 0)
    assert codec.encode(image, 75) == quick


def test_a_small_picture_is_progressive_where_that_is_smaller(picture):
    """In a thumbnail the scan headers cost more than they save; from 2**16 pixels on this is not checked."""
    for side in (16, 64, 200):
        image = picture(side, side)
        sizes = {progressive: len(codec.encode(image, progressive=progressive)) for progressive in (False, True)}
        assert len(codec.encode(image)) == min(sizes.values())
    assert codec.jpeg.encode(np.zeros((8, 8), np.uint8)).progressive is False
    assert codec.jpeg.encode(np.zeros((300, 300), np.uint8)).progressive is True


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("restart_interval", [1, 2, 3, 7, 8, 9, 1000, 65535])
@pytest.mark.parametrize(
    "color, subsampling", [("gray", "4:4:4"), ("ycbcr", "4:2:0"), ("ycbcr", "4:4:4"), ("ycck", "4:2:2")]
)
def test_every_restart_interval(color, subsampling, restart_interval, progressive, picture, reconstruct):
    image = picture(67, 45, COLORS[color])
    encoded, _ = check(
        image,
        reconstruct,
        color=color,
        subsampling=subsampling,
        restart_interval=restart_interval,
        progressive=progressive,
    )
    plain = codec.decode(codec.encode(image, color=color, subsampling=subsampling, progressive=progressive))
    np.testing.assert_array_equal(codec.decode(encoded.data), plain)
    if not progressive:
        report = codec.jpeg.inspect(encoded.data)
        H, V = {"4:4:4": (8, 8), "4:2:2": (16, 8), "4:2:0": (16, 16)}[subsampling]
        assert report["scans"][0]["restart_intervals"] == -(-(-(-67 // V) * -(-45 // H)) // restart_interval)


@pytest.mark.parametrize("shape", [(1, 65535), (65535, 1), (1, 65535, 3), (65535, 1, 3)])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_the_longest_sides(shape, progressive, picture, reconstruct):
    image = picture(shape[0], shape[1], 3 if len(shape) == 3 else 1)
    check(image, reconstruct, progressive=progressive)


@pytest.mark.parametrize("quality", [1, 2, 10, 49, 50, 51, 89, 90, 99, 100])
def test_every_kind_of_quality(quality, picture, reconstruct):
    encoded, decoded = check(picture(40, 40), reconstruct, quality, tune="annex-k")
    assert encoded.quality == quality and encoded.subsampling in SUBSAMPLINGS
    assert codec.jpeg.inspect(encoded.data)["estimated_quality"] == quality
    assert codec.jpeg.inspect(encoded.data)["estimated_quality_exact"]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 254, 255])
def test_flat_pictures_stay_flat(value):
    for channels, color in ((1, "gray"), (3, "ycbcr"), (3, "rgb"), (4, "cmyk"), (4, "ycck")):
        flat = np.full((19, 21, channels), value, np.uint8)
        assert (codec.decode(codec.encode(flat, 100, color=color)) == value).all()


def test_noise_and_extremes(reconstruct):
    rng = np.random.default_rng(3)
    for image in (
        rng.integers(0, 256, (48, 40, 3), dtype=np.uint8),
        rng.choice(np.uint8([0, 255]), (48, 40, 3)),
        np.indices((48, 40)).sum(0).astype(np.uint8) % 2 * np.uint8(255),
    ):
        for quality in (1, 50, 100):
            for progressive in (False, True):
                check(image, reconstruct, quality, progressive=progressive)


@pytest.mark.parametrize(
    "steps, process", [(1, "baseline"), (255, "baseline"), (256, "extended sequential"), (65535, "extended sequential")]
)
def test_quantization_tables_of_ones_own(steps, process, picture, reconstruct):
    """Baseline allows only 8-bit tables (B.2.4.1); larger steps make the file extended sequential."""
    image = picture(24, 24)
    Q = np.arange(64) % 7 + max(1, steps - 6)
    encoded, decoded = check(image, reconstruct, quant_tables=QuantTables(Q), progressive=False)
    assert decoded.info.process == process and encoded.quality is None
    assert np.ravel(codec.jpeg.inspect(encoded.data)["quant_tables"]["0"]).tolist() == Q.tolist()
    check(image, reconstruct, quant_tables=QuantTables(Q, Q[::-1]), progressive=True)


def test_components_that_no_option_names_use_no_second_table(picture):
    """Gray, RGB and CMYK use only the luminance table; the chrominance table does not even affect the process."""
    tables = QuantTables([1] * 64, [300] * 64)
    for channels, color in ((1, "gray"), (3, "rgb"), (4, "cmyk")):
        data = codec.encode(picture(8, 8, channels), color=color, quant_tables=tables, effort=1)
        assert list(codec.jpeg.inspect(data)["quant_tables"]) == ["0"] and codec.probe(data).process == "baseline"


# ---------------------------------------------------------------- input


def test_any_strides_give_the_same_file(picture):
    image = picture(20, 30)
    expected = codec.encode(image)
    assert codec.encode(np.asfortranarray(image)) == expected
    assert codec.encode(np.repeat(image, 2, 1)[:, ::2]) == expected
    assert codec.encode(image[::-1, ::-1]) == codec.encode(image[::-1, ::-1].copy())
    assert codec.encode(list(image)) == expected
    frozen = image.copy()
    frozen.flags.writeable = False
    assert codec.encode(frozen) == expected


def test_one_channel_is_gray_whether_it_has_an_axis_or_not(picture):
    gray = picture(9, 14, 1)
    assert codec.encode(gray) == codec.encode(gray[..., None]) == codec.encode(gray, color="gray")


def test_the_input_is_left_alone(picture):
    image = picture(9, 14)
    before = image.copy()
    codec.encode(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "image, why",
    [
        (
            np.full((4, 4), 9.0),
            r"image must be uint8, not float64: scale it to 0\.\.255, then image\.round\(\)",
        ),
        (np.full((4, 4), np.nan), "it holds NaN"),
        (np.zeros((4, 4), np.uint16), "image must be uint8, not uint16"),
        (np.zeros((4, 4), bool), "image must be uint8, not bool"),
        (np.zeros((4, 4, 2), np.uint8), r"\(H, W\), \(H, W, 1\), \(H, W, 3\) or \(H, W, 4\), not \(4, 4, 2\)"),
        (np.zeros((4, 4, 5), np.uint8), r"not \(4, 4, 5\)"),
        (np.zeros(4, np.uint8), r"not \(4,\)"),
        (np.uint8(7), r"not \(\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"not \(1, 4, 4, 3\)"),
        (np.zeros((0, 4), np.uint8), "4x0; a JPEG has 1..65535 samples on a side"),
        (np.zeros((4, 0, 3), np.uint8), "0x4; a JPEG has 1..65535"),
        (np.zeros((65536, 1), np.uint8), "1x65536; a JPEG has 1..65535"),
        (np.zeros((1, 65536), np.uint8), "65536x1; a JPEG has 1..65535"),
        (np.zeros((4, 4, 4), np.uint8), "4 channels may be RGBA or CMYK: pass color='cmyk'.*or drop the alpha"),
        ("picture.png", "takes an array of pixels"),
        (None, "image must be uint8"),
    ],
)
def test_what_is_no_image_is_refused(image, why):
    with pytest.raises(errors.ParameterError, match=why):
        codec.encode(image)


@pytest.mark.parametrize(
    "channels, options, why",
    [
        (1, dict(color="ycbcr"), "color='ycbcr' takes 3 channels, not 1"),
        (3, dict(color="gray"), "color='gray' takes 1 channel, not 3: convert the picture first"),
        (3, dict(color="cmyk"), "takes 4 channels, not 3"),
        (4, dict(color="rgb"), "takes 3 channels, not 4"),
        (1, dict(subsampling="4:2:0"), "color='gray' has none"),
        (3, dict(color="rgb", subsampling="4:2:2"), "color='rgb' has none"),
        (4, dict(color="cmyk", subsampling="4:4:0"), "color='cmyk' has none"),
    ],
)
def test_options_that_do_not_fit_the_image_are_refused(channels, options, why, picture):
    with pytest.raises(errors.ParameterError, match=why):
        codec.encode(picture(8, 8, channels), **options)


# ---------------------------------------------------------------- the report


@pytest.mark.parametrize(
    "options",
    [
        dict(effort=1),
        dict(effort=3),
        dict(effort=5),
        dict(effort=5, restart_interval=3),
        dict(effort=1, restart_interval=2),
    ],
)
@pytest.mark.parametrize("color, subsampling", KINDS)
def test_where_the_bits_went(color, subsampling, options, picture):
    encoded = codec.jpeg.encode(picture(48, 64, COLORS[color]), color=color, subsampling=subsampling, **options)
    assert sum(encoded.bits.values()) == 8 * len(encoded.data) == 8 * encoded.size
    assert encoded.bpp == 8 * len(encoded.data) / (48 * 64)
    report = codec.jpeg.inspect(encoded.data)
    scans = [bits for name, bits in encoded.bits.items() if name.startswith("scan")]
    assert scans == [8 * scan["bytes"] for scan in report["scans"]]
    # No MCU is padded at 48x64, so blocks hold everything except padding bits, restart markers, and zeros
    # stuffed after the last block.
    intervals = sum(scan["restart_intervals"] for scan in report["scans"])
    overhead = 7 * intervals + 16 * (intervals - len(scans)) + 8 * encoded.data.count(b"\xff\0")
    assert sum(scans) - overhead <= sum(int(m.sum()) for m in encoded.block_bits) <= sum(scans)
    components = codec.probe(encoded.data).components
    Hmax, Vmax = max(c.H for c in components), max(c.V for c in components)
    assert [m.shape for m in encoded.block_bits] == [(6 * c.V // Vmax, 8 * c.H // Hmax) for c in components]


def test_bits_of_blocks_show_where_the_picture_is_busy(picture):
    image = np.full((64, 64), 100, np.uint8)
    image[32:, 32:] = np.random.default_rng(1).integers(0, 256, (32, 32))
    (bits,) = codec.jpeg.encode(image, 90, effort=1).block_bits
    assert bits.shape == (8, 8) and bits[4:, 4:].min() > 20 * bits[:3].max()


def test_both_functions_write_the_same_bytes(picture):
    image = picture(33, 44)
    for options in (dict(), dict(effort=1, restart_interval=2), dict(progressive=True, subsampling="4:4:4")):
        assert codec.encode(image, 80, **options) == codec.jpeg.encode(image, 80, **options).data


def test_several_threads_write_the_same_bytes(picture):
    images = [picture(120, 160, seed=s) for s in range(6)]
    alone = [codec.encode(image, effort=effort) for image in images for effort in (1, 5)]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            together = list(
                pool.map(
                    lambda job: codec.encode(job[0], effort=job[1]),
                    [(image, effort) for image in images for effort in (1, 5)],
                )
            )
            assert together == alone
            decoded = list(pool.map(codec.decode, alone))
            assert all((a == codec.decode(data)).all() for a, data in zip(decoded, alone))


# ---------------------------------------------------------------- bounds on size and fidelity


@pytest.mark.parametrize(
    "name, quality, most_bytes, least_score",
    [
        ("chelsea", 75, 15_400, 75.8),
        ("coffee", 75, 32_000, 68.8),
        ("astronaut", 90, 14_100, 85.2),
        ("camera", 50, 5_900, 64.2),
        ("camera", 90, 17_300, 86.5),
        ("graphics", 90, 29_300, 79.0),
        ("zone_plate", 75, 21_100, 56.8),
        ("noise_97x61", 90, 9_500, 70.0),
    ],
)
def test_size_and_score(name, quality, most_bytes, least_score):
    with Image.open(SAMPLES / f"{name}.png") as file:
        image = np.asarray(file)
    data = codec.encode(image, quality)
    assert len(data) < most_bytes and metrics.ssimulacra2(image, codec.decode(data)) > least_score


def test_tables_made_for_the_picture_and_several_scans_are_smaller():
    """Efforts 2, 3 and 4 code the same levels."""
    for name in ("chelsea", "coffee", "graphics"):
        with Image.open(SAMPLES / f"{name}.png") as file:
            image = np.asarray(file)
        fixed, optimised, progressive = (codec.encode(image, effort=effort) for effort in (2, 3, 4))
        assert len(progressive) < len(optimised) < len(fixed)
        assert np.array_equal(codec.decode(fixed), codec.decode(optimised)) and np.array_equal(
            codec.decode(fixed), codec.decode(progressive)
        )


def test_higher_quality_is_larger_and_closer(picture):
    image = picture(96, 96)
    files = [codec.encode(image, quality, subsampling="4:4:4") for quality in range(10, 101, 10)]
    sizes, errors_ = [len(f) for f in files], [metrics.mse(image, codec.decode(f)) for f in files]
    assert sizes == sorted(sizes) and errors_ == sorted(errors_, reverse=True)


def test_the_options_of_a_call_are_the_fields_of_the_options():
    parameters = inspect.signature(codec.jpeg.encode).parameters
    assert list(parameters) == ["image", *EncodeOptions.__dataclass_fields__]
    assert all(parameters[name].default == field.default for name, field in EncodeOptions.__dataclass_fields__.items())
