"""Colours that PNG chunks state: carried in PNG, made a profile in JPEG, or told."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

import codec
from codec.batch import CompressTask, PaletteTask, TranscodeTask
from codec.formats import animation, apng, pictures, profiles
from codec.palette import png

GAMMA = (b"gAMA", struct.pack(">I", 100000))
P3_POINTS = (b"cHRM", struct.pack(">8I", *profiles.CICP_POINTS[12]))
P3 = (b"cICP", bytes([12, 13, 0, 1]))
PQ = (b"cICP", bytes([9, 16, 0, 1]))
SRGB = [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *profiles.SRGB_POINTS))]


def with_chunks(pixels, *chunks):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    return data[:33] + b"".join(png.chunk(*chunk) for chunk in chunks) + data[33:]


def stated(data):
    return [(chunk.kind, chunk.content) for chunk in apng.chunks(data) if chunk.kind in profiles.CARRIED]


@pytest.fixture
def pixels(picture):
    return picture(16, 24)


@pytest.mark.parametrize("chunks", [[GAMMA], [P3_POINTS], [P3], [PQ], [GAMMA, P3_POINTS], [P3, *SRGB]], ids=str)
def test_a_png_carries_them(pixels, chunks):
    assert sorted(stated(PaletteTask()(with_chunks(pixels, *chunks)).data)) == sorted(chunks)
    assert stated(PaletteTask(strip=True)(with_chunks(pixels, *chunks)).data) == []


@pytest.mark.parametrize("chunks", [SRGB, [(b"sRGB", b"\0"), GAMMA], [(b"cICP", bytes([1, 13, 0, 1])), GAMMA]], ids=str)
def test_srgb_needs_no_words(pixels, chunks):
    data = with_chunks(pixels, *chunks)
    assert pictures.load(data).color_chunks == () and stated(PaletteTask()(data).data) == []
    made = CompressTask()(data)
    assert made.data == CompressTask()(with_chunks(pixels)).data and not any(
        "colours" in text for text in made.warnings
    )


def shown(pixels, icc):
    """The pixels in sRGB, by LittleCMS."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    image = Image.fromarray(pixels)
    return np.asarray(
        ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), renderingIntent=1, outputMode="RGB")
    ).astype(float)


def test_a_jpeg_gets_a_profile(pixels):
    made = CompressTask()(with_chunks(pixels, GAMMA))
    icc = codec.probe(made.data).metadata.icc
    assert icc and made.warnings == () or all("colours" not in text for text in made.warnings)
    x = pixels / 255
    wanted = 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    assert np.abs(shown(pixels, icc) - wanted).max() < 3
    gray = codec.probe(CompressTask()(with_chunks(pixels[..., 0], GAMMA)).data).metadata.icc
    assert gray[16:20] == b"GRAY" and np.abs(shown(pixels[..., 0], gray)[..., 0] - wanted[..., 0]).max() < 3


def test_profiles_of_points_and_of_code_points_agree(pixels):
    same = [profiles.profile(chunks, False) for chunks in ((P3,), (P3_POINTS,))]
    assert same[0] == same[1]
    # Gray of any primaries with the white of sRGB is that gray.
    gray = np.repeat(pixels[..., :1], 3, 2)
    assert np.abs(shown(gray, same[0]) - gray).max() <= 2
    # By the matrix from P3 to sRGB of CSS Color 4.
    assert shown(np.full((2, 2, 3), (200, 100, 100), np.uint8), same[0])[0, 0].tolist() == pytest.approx(
        [215, 93, 97], abs=1
    )


def test_what_no_profile_can_say_is_told(pixels):
    made = CompressTask()(with_chunks(pixels, PQ))
    assert codec.probe(made.data).metadata.icc is None and any("cICP" in text for text in made.warnings)
    assert any("gAMA" in text for text in animation.load([with_chunks(pixels, GAMMA)] * 2).warnings)
    for bad in (bytes(32), struct.pack(">8I", *[2**32 - 1] * 8), struct.pack(">8I", *[30000] * 8)):
        assert profiles.profile(((b"cHRM", bad),), False) is None


def test_colors_that_are_dropped_by_request_are_told():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    p3 = profiles.profile((P3,), False)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc, said in ((p3, ("its colours (ICC profile) were dropped: they are shown as sRGB",)), (srgb, ())):
        data = codec.jpeg.encode(pixels, metadata=codec.jpeg.Metadata(icc=icc)).data
        assert TranscodeTask({"metadata": "none"})(data).warnings == said
        assert TranscodeTask()(data).warnings == ()
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", icc_profile=icc)
        assert PaletteTask(strip=True)(buffer.getvalue()).warnings[: len(said)] == said
    assert "cICP" in PaletteTask(strip=True)(with_chunks(pixels, P3)).warnings[0]


def a_profile(gamma="srgb", points=profiles.SRGB_POINTS):
    chunks = ((b"gAMA", struct.pack(">I", gamma)),) if gamma != "srgb" else ()
    return profiles.profile((*chunks, (b"cHRM", struct.pack(">8I", *points))), False)


def test_a_profile_of_srgb_is_known_by_its_numbers():
    assert profiles.is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert profiles.is_srgb(a_profile())
    p3 = profiles.profile(((b"cICP", bytes((12, 13, 0, 1))),), False)
    for other in (p3, a_profile(45455), a_profile(100000), a_profile(points=profiles.CICP_POINTS[9])):
        assert not profiles.is_srgb(other)
    gray = profiles.profile(((b"gAMA", struct.pack(">I", 45455)),), True)
    assert not profiles.is_srgb(gray) and not profiles.is_srgb(b"") and not profiles.is_srgb(bytes(200))


def test_a_damaged_profile_is_not_srgb_and_no_error():
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for end in range(0, len(whole), 7):
        profiles.is_srgb(whole[:end])
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(128, len(data), 6):
            data[at] = rng.integers(256)
        profiles.is_srgb(bytes(data))


# ---------------------------------------------------------------- animations


def wide(gray=False):
    """A profile whose colours are far from sRGB."""
    return profiles.profile((P3_POINTS, GAMMA), gray)


def frames_of(pixels):
    return [pixels, np.ascontiguousarray(pixels[::-1])]


def as_file(pixels, format="PNG", icc=None):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **({"icc_profile": icc} if icc else {}))
    return buffer.getvalue()


def moving_png(pixels, *chunks):
    data = codec.palette.animate(frames_of(pixels), format="apng", lossy=0).data
    return data[:33] + b"".join(png.chunk(*chunk) for chunk in chunks) + data[33:]


def moving_gif(pixels, icc):
    data = codec.palette.animate(frames_of(pixels), lossy=0).data
    parts = b"".join(bytes([len(part)]) + part for part in (icc[i : i + 255] for i in range(0, len(icc), 255)))
    at = data.index(b"!")
    return data[:at] + b"!\xff\x0bICCRGBG1012" + parts + b"\0" + data[at:]


def moving_webp(pixels, icc):
    buffer, images = io.BytesIO(), [Image.fromarray(frame) for frame in frames_of(pixels)]
    images[0].save(buffer, "WEBP", save_all=True, append_images=images[1:], lossless=True, icc_profile=icc, duration=99)
    return buffer.getvalue()


@pytest.fixture
def few(pixels):
    """Few colours, so that palettes lose nothing."""
    return pixels // 64 * 64


def sources_of(few):
    pillow = [Image.fromarray(frame) for frame in frames_of(few)]
    for image in pillow:
        image.info["icc_profile"] = wide()
    return {
        "stills": [as_file(frame, icc=wide()) for frame in frames_of(few)], "Pillow": pillow,
        "TIFF": [as_file(frame, "TIFF", wide()) for frame in frames_of(few)],
        "apng": moving_png(few, (b"iCCP", b"x\0\0" + zlib.compress(wide()))), "gif": moving_gif(few, wide()),
        "webp": moving_webp(few, wide()),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["stills", "Pillow", "TIFF", "apng", "gif", "webp"])
def test_a_profile_is_carried_by_an_apng_and_converted_for_a_gif(few, kind):
    source = sources_of(few)[kind]
    made = codec.animate(source, format="apng", lossy=0, comment="not kept")
    assert profiles.meaning(made.data).icc == wide() and Image.open(io.BytesIO(made.data)).info["icc_profile"] == wide()
    assert not any("profile" in text for text in made.warnings)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")), few)
    for other in (dict(format="gif"), dict(format="apng", strip=True)):
        made = codec.animate(source, lossy=0, comment="not kept", **other)
        assert profiles.meaning(made.data) == profiles.SRGB or other["format"] == "gif"
        assert any("2 of 2 frames were converted to sRGB from their ICC profile" in text for text in made.warnings)
        seen = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB"))
        assert np.abs(seen - shown(few, wide())).max() <= 1 and np.abs(seen.astype(int) - few).max() > 20


def test_profiles_that_differ_are_converted(few):
    first, second = (as_file(few, icc=icc) for icc in (wide(), None))
    made = codec.animate([first, second], format="apng", lossy=0)
    assert profiles.meaning(made.data) == profiles.SRGB and any("1 of 2 frames" in text for text in made.warnings)
    gray = as_file(few[..., 0], icc=wide(gray=True))
    made = codec.animate([gray, gray], format="apng", lossy=0)
    assert profiles.meaning(made.data) == profiles.SRGB and any("converted" in text for text in made.warnings)
    seen = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB"))
    assert np.abs(seen - shown(few[..., 0], wide(gray=True))).max() <= 1


def test_srgb_itself_is_no_news(few):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made, plain = (codec.animate([as_file(few, icc=one)] * 2) for one in (icc, None))
    assert made.data == plain.data and made.warnings == ()
    assert profiles.meaning(codec.animate([as_file(few, icc=icc)] * 2, format="apng").data).icc == icc


@pytest.mark.parametrize("icc", [b"no profile", bytes(200), profiles.profile((GAMMA,), True)], ids=range(3))
def test_a_profile_that_does_not_fit_is_dropped_with_a_word(few, icc):
    made = codec.animate([as_file(few, icc=icc)] * 2)
    assert any("ICC profile" in text and "dropped" in text for text in made.warnings)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")), few)


@pytest.mark.parametrize("chunks", [[GAMMA], [P3_POINTS], [P3], [PQ], [GAMMA, P3_POINTS]], ids=str)
def test_colour_chunks_of_animations(few, chunks):
    for source in ([with_chunks(frame, *chunks) for frame in frames_of(few)], moving_png(few, *chunks)):
        made = codec.animate(source, format="apng", comment="not kept")
        assert sorted(stated(made.data)) == sorted(chunks) and made.warnings[:-1] == () and "colours" not in str(made)
        made = codec.animate(source, lossy=0)
        what = "dropped" if PQ in chunks else "converted"
        assert any(what in text and chunks[0][0].decode() in text for text in made.warnings)
        seen = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB"))
        icc = profiles.profile(tuple(chunks), False)
        assert np.abs(seen - (few if icc is None else shown(few, icc))).max() <= 1


def test_a_profile_that_inflates_without_end(few):
    bomb = b"x\0\0" + zlib.compress(bytes(profiles.MOST_BYTES + 1))
    assert profiles.meaning(moving_png(few, (b"iCCP", bomb))).icc is None


@pytest.mark.parametrize("chunks", [
    [(b"gAMA", struct.pack(">I", 100000))],
    [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *profiles.CICP_POINTS[9]))],
    [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *profiles.SRGB_POINTS))],
    [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))],
    [],
], ids=["linear", "BT.2020", "as sRGB", "sRGB", "none"])  # fmt: skip
def test_a_pillow_image_of_a_png_means_what_the_file_means(chunks):
    """Pillow gives its gAMA and cHRM as numbers."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), 80, np.uint8)).save(buffer, "PNG")
    data, at = buffer.getvalue(), 33  # behind IHDR
    for kind, content in chunks:
        chunk = struct.pack(">I", len(content)) + kind + content
        data = data[:at] + chunk + struct.pack(">I", zlib.crc32(kind + content)) + data[at:]
    image = Image.open(io.BytesIO(data))
    assert sorted(profiles.of_image(image).chunks) == sorted(profiles.color_chunks(data))
    made, other = codec.animate([image], format="apng"), codec.animate([data], format="apng")
    assert sorted(profiles.color_chunks(made.data)) == sorted(profiles.color_chunks(other.data))
    assert codec.animate([image]).data == codec.animate([data]).data
