"""Pictures of every format are converted for the encoder, with a warning about any loss."""

import copy
import io
import pickle
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import codec
from codec import jpeg
from codec.batch import PaletteTask
from codec.errors import BitstreamError, FileError, LimitError, ParameterError, UnsupportedError
from codec.formats import pictures
from codec.jpeg import Metadata
from codec.limits import Limits
from codec.palette import png

RNG = np.random.default_rng(5)
GRAY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
RGB = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
CMYK = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
LOSSLESS = ("PNG", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000")


def exif_with(orientation, order="<"):
    """An EXIF block whose only tag is Orientation: one entry of IFD0, of type SHORT."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def saved(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("format", LOSSLESS)
def test_rgb_arrives_exactly(format):
    picture = pictures.load(saved(Image.fromarray(RGB), format, **({"lossless": True} if format == "WEBP" else {})))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert (picture.format, picture.warnings) == (format, ())


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_gray_stays_one_component(format):
    picture = pictures.load(saved(Image.fromarray(GRAY), format))
    np.testing.assert_array_equal(picture.pixels, GRAY)
    assert picture.pixels.dtype == np.uint8


def test_a_bilevel_picture_becomes_gray():
    np.testing.assert_array_equal(pictures.load(saved(Image.fromarray(GRAY > 99))).pixels, np.where(GRAY > 99, 255, 0))


def test_a_palette_becomes_rgb():
    paletted = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(pictures.load(saved(paletted)).pixels, np.asarray(paletted.convert("RGB")))


def test_cmyk_keeps_four_components_and_zero_is_no_ink():
    picture = pictures.load(saved(Image.frombytes("CMYK", (7, 5), CMYK.tobytes()), "TIFF"))
    np.testing.assert_array_equal(picture.pixels, CMYK)


def test_sixteen_bit_gray_is_rounded_to_eight_with_a_warning():
    deep = np.array([[0, 128, 129, 257, 32767, 32768, 65406, 65407, 65535]], np.uint16)
    picture = pictures.load(saved(Image.fromarray(deep)))
    np.testing.assert_array_equal(picture.pixels, np.rint(deep / 257).astype(np.uint8))
    assert picture.warnings == ("16-bit samples were reduced to 8 bits",)


def test_sixteen_bit_colour_is_read_with_a_warning():
    deep = b"P6\n1 1\n65535\n" + bytes([255, 255, 128, 0, 0, 0])
    assert pictures.load(deep).pixels.tolist() == [[[255, 128, 0]]]
    assert pictures.load(png_16_bit_rgb()).warnings == ("16-bit samples were reduced to 8 bits",)


def png_of(samples, bits, kind, transparent):
    """A PNG of gray (kind 0) or RGB (2) samples with tRNS."""
    rows = samples.reshape(len(samples), -1)
    packed = png.packed(rows.astype(np.uint8), bits) if bits < 16 else rows.astype(">u2").view(np.uint8)
    return b"".join([
        png.SIGNATURE, png.chunk(b"IHDR", struct.pack(">IIBBBBB", samples.shape[1], len(samples), bits, kind, 0, 0, 0)),
        png.chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)), png.chunk(b"IDAT", zlib.compress(png.unfiltered(packed))),
        png.chunk(b"IEND", b""),
    ])  # fmt: skip


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_gray_has_the_depth_of_the_file(bits):
    samples = np.random.default_rng(bits).integers(0, 1 << bits, (16, 16))
    samples[3, 4] = samples[0, 0]
    for level in (int(samples[0, 0]), int(samples[5, 5]), (1 << bits) - 1):
        picture = pictures.load(png_of(samples, bits, 0, [level]), alpha=True)
        clear = samples == level
        assert (picture.alpha is None and not clear.any()) or np.array_equal(picture.alpha == 0, clear)
        assert np.array_equal(picture.pixels, np.rint(samples * (255 / ((1 << bits) - 1))).astype(np.uint8))
    made = Image.open(io.BytesIO(PaletteTask()(png_of(samples, bits, 0, [int(samples[0, 0])])).data)).convert("RGBA")
    assert np.array_equal(np.asarray(made)[..., 3] == 0, samples == samples[0, 0])


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_colour_of_rgb(bits):
    samples = np.random.default_rng(bits).integers(0, 1 << bits, (9, 8, 3))
    samples[2:4, 3] = samples[0, 0]
    picture = pictures.load(png_of(samples, bits, 2, samples[0, 0].tolist()), alpha=True)
    assert (picture.alpha == 0).sum() == 3
    assert (bits == 16) == any("transparent colour" in warning for warning in picture.warnings)


def png_16_bit_rgb():
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(7))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("samples", [np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int32)])
def test_samples_that_do_not_fit_are_refused_with_the_remedy(samples):
    with pytest.raises(
        UnsupportedError, match="whose samples are (floating point numbers|integers of 32 bits): convert it to 8-bit"
    ):
        pictures.load(saved(Image.fromarray(samples), "TIFF"))


@pytest.mark.parametrize("format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_only_the_first_of_several_frames_is_read_and_a_warning_says_so(format):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    picture = pictures.load(saved(frames[0], format, save_all=True, append_images=frames[1:], **options))
    assert (picture.pixels == (255, 0, 0)).all()
    assert any("3 frames or pages: only the first is used" in warning for warning in picture.warnings)


# ---------------------------------------------------------------- transparency


@pytest.mark.parametrize("pixels", [GRAY, RGB])
def test_opaque_alpha_is_dropped_without_a_word(pixels):
    picture = pictures.load(saved(Image.fromarray(np.dstack([pixels, np.full((5, 7), 255, np.uint8)]))))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.warnings == ()


def blend(pixels, alpha, background):
    alpha = alpha[..., None] / 255 if pixels.ndim == 3 else alpha / 255
    return alpha * pixels + (1 - alpha) * np.asarray(background)


@pytest.mark.parametrize("pixels", [GRAY, RGB])
def test_transparent_pixels_lie_on_white_with_a_warning(pixels):
    alpha = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
    picture = pictures.load(saved(Image.fromarray(np.dstack([pixels, alpha]))))
    assert np.abs(picture.pixels - blend(pixels, alpha, 255)).max() <= 0.5 + 1e-9
    assert picture.pixels.shape == pixels.shape
    assert picture.warnings == ("transparent pixels were laid on white; background=COLOR is another colour",)


@pytest.mark.parametrize("background", ["#ff8000", (255, 128, 0), [255, 128, 0]])
def test_a_background_is_what_shows_through_and_warns_of_nothing(background):
    alpha = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
    picture = pictures.load(saved(Image.fromarray(np.dstack([RGB, alpha]))), background=background)
    assert np.abs(picture.pixels - blend(RGB, alpha, (255, 128, 0))).max() <= 0.5 + 1e-9
    assert picture.warnings == ()


def test_gray_on_a_coloured_background_becomes_rgb():
    alpha = np.zeros((5, 7), np.uint8)
    picture = pictures.load(saved(Image.fromarray(np.dstack([GRAY, alpha]))), background="red")
    assert (picture.pixels == (255, 0, 0)).all() and picture.pixels.shape == (5, 7, 3)


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "1"])
def test_a_transparent_colour_without_an_alpha_channel_counts(mode):
    image = Image.new("RGB", (4, 4), "black").convert(mode)
    index = {"P": image.getpixel((0, 0)), "RGB": (0, 0, 0), "L": 0, "1": 0}[mode]
    picture = pictures.load(saved(image, transparency=index), background="white")
    assert (picture.pixels == 255).all()


@pytest.mark.parametrize("color", ["nocolour", (1, 2), (0, 0, 256), 7, ("a", "b", "c")])
def test_a_bad_background_is_refused_before_anything_is_read(color):
    with pytest.raises(ParameterError, match="colour"):
        pictures.load("no such file", background=color)


# ---------------------------------------------------------------- metadata


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_icc_and_xmp_are_carried_over_byte_for_byte(format):
    icc, xmp = bytes(range(200)), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    options = {"icc_profile": icc}
    if format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif format == "TIFF":
        options["tiffinfo"] = {700: xmp}
    else:
        options |= {"xmp": xmp, "lossless": True}
    metadata = pictures.load(saved(Image.fromarray(RGB), format, **options)).metadata
    assert metadata.icc == icc and metadata.xmp == xmp


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_exif_is_carried_over_without_the_prefix_of_jpeg(format, prefix):
    data = saved(Image.fromarray(RGB), format, exif=prefix + exif_with(6))
    assert pictures.load(data).metadata.exif == exif_with(6)


def test_pixels_and_orientation_are_both_left_alone():
    picture = pictures.load(saved(Image.fromarray(RGB), exif=b"Exif\0\0" + exif_with(6)))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert pictures.orientation(picture.metadata.exif) == 6


def test_a_turned_tiff_is_upright_and_says_nothing_of_orientation():
    picture = pictures.load(saved(Image.fromarray(RGB), "TIFF", tiffinfo={0x0112: 6, 0x010F: "Maker"}))
    np.testing.assert_array_equal(picture.pixels, np.rot90(RGB, -1))
    assert pictures.orientation(picture.metadata.exif) == 1
    assert b"Maker" in picture.metadata.exif


def test_the_layout_of_a_tiff_file_does_not_get_into_its_exif():
    exif = Image.Exif()
    exif.load(
        b"Exif\0\0" + pictures.load(saved(Image.fromarray(RGB), "TIFF", tiffinfo={0x010E: "A picture"})).metadata.exif
    )
    assert dict(exif) == {0x010E: "A picture"}


def test_a_picture_without_metadata_has_none():
    assert pictures.load(saved(Image.fromarray(RGB))).metadata == Metadata()


def test_a_gray_profile_is_dropped_when_the_background_adds_colour():
    icc = bytes(16) + b"GRAY" + bytes(108)
    data = saved(Image.fromarray(np.dstack([GRAY, GRAY])), icc_profile=icc)
    assert pictures.load(data).metadata.icc == icc
    coloured = pictures.load(data, background="red")
    assert coloured.metadata.icc is None and "gray ICC profile" in coloured.warnings[0]


def test_metadata_beyond_the_limit_is_refused():
    with pytest.raises(LimitError, match="metadata"):
        pictures.load(saved(Image.fromarray(RGB), icc_profile=bytes(1000)), limits=Limits(metadata_bytes=999))


@pytest.mark.parametrize("exif", [None, b"", b"nonsense", exif_with(0), exif_with(9), exif_with(1)[:9]])
def test_an_orientation_that_makes_no_sense_is_1(exif):
    assert pictures.orientation(exif) == 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_orientation_is_read_in_both_byte_orders(order, prefix):
    assert [pictures.orientation(prefix + exif_with(turned, order)) for turned in range(1, 9)] == list(range(1, 9))


@pytest.mark.parametrize("turned", range(1, 9))
def test_upright_is_what_a_viewer_shows(turned):
    from PIL import ImageOps

    image = Image.open(io.BytesIO(saved(Image.fromarray(RGB), exif=b"Exif\0\0" + exif_with(turned))))
    np.testing.assert_array_equal(pictures.upright(RGB, turned), np.asarray(ImageOps.exif_transpose(image)))


def test_stripping_turns_pixels_and_density_together():
    pixels, metadata = pictures.strip(
        RGB, Metadata(exif=exif_with(6), icc=b"x", comments=(b"x",), density=(1, 300, 72))
    )
    np.testing.assert_array_equal(pixels, np.rot90(RGB, -1))
    assert metadata == Metadata(density=(1, 72, 300))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_the_density_is_carried_over(format):
    assert pictures.load(saved(Image.fromarray(RGB), format, dpi=(300, 72))).metadata.density == (1, 300, 72)


@pytest.mark.parametrize(
    "density, kept", [((1, 300, 72), (1, 300, 72)), ((2, 100, 200), (1, 254, 508)), ((0, 2, 1), None), (None, None)]
)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_the_density_is_written_in_dots_per_inch(format, density, kept):
    assert pictures.load(pictures.dump(RGB, format, metadata=Metadata(density=density))).metadata.density == kept


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("data", [b"hello, world", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_here_is_unsupported_with_the_list_of_formats(data):
    with pytest.raises(UnsupportedError, match="there are JPEG, PNG"):
        pictures.load(data)


def test_a_truncated_png_is_a_bitstream_error():
    data = saved(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    with pytest.raises(BitstreamError, match="PNG data"):
        pictures.load(data[: len(data) // 2])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("format", LOSSLESS + ("GIF",))
def test_damage_anywhere_raises_only_our_errors(format):
    data = saved(Image.fromarray(RGB), format)
    for offset in range(0, len(data), max(1, len(data) // 60)):
        for broken in (data[:offset] or b"\0", data[:offset] + bytes([data[offset] ^ 0xA5]) + data[offset + 1 :]):
            try:
                pictures.load(broken, limits=Limits(pixels=10_000))
            except codec.CodecError:
                pass


def test_the_pixel_limit_is_checked_on_the_header():
    with pytest.raises(LimitError, match=r"7x5 is 35 pixels; Limits\.pixels allows 34"):
        pictures.load(saved(Image.fromarray(RGB)), limits=Limits(pixels=34))


def test_the_bound_of_pillow_is_a_limit_too(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(LimitError, match="MAX_IMAGE_PIXELS"):
        pictures.load(saved(Image.fromarray(RGB), "BMP"))


def test_a_missing_file_is_a_file_error(tmp_path):
    with pytest.raises(FileError):
        pictures.load(tmp_path / "gone.png")


# ---------------------------------------------------------------- JPEG


def test_jpeg_is_decoded_by_this_package(monkeypatch):
    data = jpeg.encode(RGB, 90, metadata=Metadata(comments=(b"hello",))).data
    picture = pictures.load(data)
    np.testing.assert_array_equal(picture.pixels, jpeg.decode(data).pixels)
    assert picture.format == "JPEG" and picture.metadata.comments == (b"hello",)


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("name", ["a.png", "a.ppm", "a.tif", "A.TIFF"])
def test_save_and_load_give_the_same_rgb(tmp_path, name):
    pictures.save(tmp_path / name, RGB)
    np.testing.assert_array_equal(pictures.load(tmp_path / name).pixels, RGB)


@pytest.mark.parametrize("name", ["a.png", "a.pgm", "a.tif"])
@pytest.mark.parametrize("pixels", [GRAY, GRAY[::2, ::-1]])
def test_save_and_load_give_the_same_gray(tmp_path, name, pixels):
    pictures.save(tmp_path / name, pixels)
    np.testing.assert_array_equal(pictures.load(tmp_path / name).pixels, pixels)


def test_cmyk_is_written_as_tiff_and_refused_elsewhere(tmp_path):
    pictures.save(tmp_path / "a.tif", CMYK)
    np.testing.assert_array_equal(pictures.load(tmp_path / "a.tif").pixels, CMYK)
    for name in ("a.png", "a.ppm"):
        with pytest.raises(UnsupportedError, match=r"has no CMYK; write TIFF \(\.tif\)"):
            pictures.save(tmp_path / name, CMYK)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_twelve_bits_fill_the_sixteen_of_png_and_state_their_maximum_in_pgm():
    deep = np.array([[0, 1, 2047, 4095]], np.uint16)
    with Image.open(io.BytesIO(pictures.dump(deep, "PNG", precision=12))) as image:
        assert np.asarray(image).tolist() == [[0, 16, 32759, 65535]]
    assert pictures.dump(deep, "PPM", precision=12) == b"P5\n4 1\n4095\n" + deep.astype(">u2").tobytes()


def test_two_bits_fill_the_eight_of_png():
    shallow = np.array([[0, 1, 2, 3]], np.uint8)
    with Image.open(io.BytesIO(pictures.dump(shallow, "PNG", precision=2))) as image:
        assert np.asarray(image).tolist() == [[0, 85, 170, 255]]
    assert pictures.dump(shallow, "PPM", precision=2) == b"P5\n4 1\n3\n" + shallow.tobytes()


def test_deep_colour_goes_to_ppm_only():
    deep = np.zeros((1, 1, 3), np.uint16)
    assert pictures.dump(deep, "PPM") == b"P6\n1 1\n65535\n" + bytes(6)
    with pytest.raises(UnsupportedError, match=r"write PPM \(\.ppm\)"):
        pictures.dump(deep, "PNG")


def test_png_carries_icc_exif_and_xmp():
    metadata = Metadata(icc=bytes(range(130)), exif=exif_with(3), xmp=b"<x/>")
    assert pictures.load(pictures.dump(RGB, "PNG", metadata=metadata)).metadata == metadata


def test_tiff_carries_icc_and_xmp():
    metadata = Metadata(icc=bytes(range(130)), xmp=b"<x/>")
    assert pictures.load(pictures.dump(RGB, "TIFF", metadata=metadata)).metadata == metadata


@pytest.mark.parametrize("name", ["a", "a.gif", "a.jpg"])
def test_an_unknown_suffix_is_refused_with_the_ones_that_work(tmp_path, name):
    with pytest.raises(ParameterError, match=r"use one of \.png, \.ppm, \.pgm"):
        pictures.save(tmp_path / name, RGB)
    with pytest.raises(ParameterError, match="choose one of PNG, PPM, TIFF"):
        pictures.dump(RGB, "GIF")


def test_pictures_pickle_and_copy():
    picture = pictures.load(saved(Image.fromarray(RGB)))
    for other in (pickle.loads(pickle.dumps(picture)), copy.deepcopy(picture)):
        assert np.array_equal(other.pixels, RGB) and other.metadata == picture.metadata
