"""Pictures and animations to PNG-8, APNG and GIF, as a batch does them."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

import codec
import codec.palette
from codec.batch import IndexedTask, Job, PaletteTask
from codec.errors import ParameterError, UnsupportedError
from codec.formats import profiles
from codec.formats.pictures import dump
from codec.jpeg import Metadata

Y, X = np.mgrid[:80, :120]
PICTURE = np.stack([2 * X, 3 * Y, 255 - X - Y], -1).astype(np.uint8)
FRAMES = [np.roll(PICTURE, 5 * number, 1) for number in range(6)]
P3 = profiles.profile(((b"cICP", bytes([12, 13, 0, 1])),), False)
NOISY = np.clip(PICTURE + np.random.default_rng(4).integers(-9, 9, PICTURE.shape), 0, 255).astype(np.uint8)


def opened(data):
    return Image.open(io.BytesIO(data))


def saved(pixels, format, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def test_a_still_becomes_what_the_palette_functions_make():
    made = IndexedTask("png")(dump(NOISY))
    assert made.data == codec.palette.write_png(NOISY).data and opened(made.data).mode == "P"
    made = IndexedTask("gif")(dump(NOISY))
    assert made.data == codec.animate([NOISY], format="gif", loops=None).data
    assert opened(made.data).n_frames == 1 and made.facts["frames"] == 1


@pytest.mark.parametrize("form, name", [("png", "PNG"), ("gif", "GIF")])
def test_an_animation_stays_one(form, name):
    for source in (codec.animate(FRAMES, format="apng").data, codec.animate(FRAMES, format="gif").data):
        made = IndexedTask(form)(source)
        assert opened(made.data).format == name and opened(made.data).n_frames == made.facts["frames"] == 6
        assert made.facts["seconds"] == pytest.approx(0.24)


def test_pages_are_no_animation():
    buffer = io.BytesIO()
    pages = [Image.fromarray(frame) for frame in FRAMES[:2]]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    job = Job("a.tif", "out/a.gif", "out/a.tif")
    made = IndexedTask("gif")(buffer.getvalue(), job)
    assert made.as_source and "2 frames or pages" in made.reason
    described = io.BytesIO()
    pages[0].save(described, "TIFF", save_all=True, append_images=pages[1:], tiffinfo={270: "a hill"})
    with pytest.raises(UnsupportedError, match="2 frames or pages"):
        IndexedTask("gif", strip=True)(described.getvalue(), job)
    assert opened(IndexedTask("gif", force=True)(buffer.getvalue(), job).data).n_frames == 1


def test_what_would_not_be_smaller_is_kept():
    photo = codec.encode(NOISY, 30)
    job = Job("a.jpg", "out/a.png", "out/a.jpg")
    made = IndexedTask("png")(photo, job)
    assert made.status == "kept" and made.data == photo and made.as_source
    assert IndexedTask("png", force=True)(photo, job).data.startswith(b"\x89PNG")
    assert "larger than its source" in IndexedTask("png")(photo).warnings[-1]


@pytest.mark.parametrize("form", ["png", "gif"])
def test_pictures_are_scaled_to_the_frame_and_turned(form):
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    made = IndexedTask(form, max_size="60")(codec.encode(NOISY, 95, metadata=Metadata(exif=exif)))
    assert opened(made.data).size == (40, 60) and made.facts["metadata"] == {"dropped": ["exif"]}
    made = IndexedTask(form, max_size=(60, 1000))(codec.animate(FRAMES, format="apng").data)
    assert opened(made.data).size == (60, 40) and opened(made.data).n_frames == 6


def test_transparent_pixels_have_no_colour_when_they_are_scaled():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, :32] = 255, 0, 0, 255
    pixels[:, 32:] = 0, 255, 0, 0  # green, and not seen
    made = np.asarray(opened(IndexedTask("png", max_size=16)(saved(pixels, "PNG")).data).convert("RGBA"))
    seen = made[made[..., 3] > 0]
    assert made.shape == (16, 16, 4) and (seen[:, 0] > 200).all() and (seen[:, 1] < 20).all()
    assert (made[:, :7, 3] > 240).all() and (made[:, 9:, 3] < 15).all()


def test_colours_of_a_profile():
    source = saved(PICTURE, "PNG", icc_profile=P3)
    kept = IndexedTask("png")(source)
    assert opened(kept.data).info["icc_profile"] == P3 and kept.facts["metadata"] == {"kept": ["icc"]}
    gif, converted = IndexedTask("gif")(source), IndexedTask("png", srgb=True)(source)
    for made in (gif, converted):
        assert "icc_profile" not in opened(made.data).info and made.facts["metadata"]["converted"]
        assert np.asarray(opened(made.data).convert("RGB"))[0, 60, 2] != PICTURE[0, 60, 2]
    difference = np.subtract(*(np.asarray(opened(each.data).convert("RGB"), int) for each in (gif, converted)))
    assert np.abs(difference.mean((0, 1))).max() < 1.5  # their palettes differ


def test_a_gray_profile_is_converted_since_palettes_are_rgb():
    linear = profiles.profile(((b"gAMA", (100000).to_bytes(4, "big")),), True)
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))
    light = ramp / 255
    wanted = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    still, buffer = saved(ramp, "PNG", icc_profile=linear), io.BytesIO()
    frames = [Image.fromarray(each) for each in (ramp, ramp[:, ::-1])]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], icc_profile=linear)
    made = [task(still) for task in (IndexedTask("png"), IndexedTask("gif"), PaletteTask())]
    made += [task(buffer.getvalue()) for task in (IndexedTask("gif"), IndexedTask("png", srgb=True))]
    for each in made:
        assert "icc_profile" not in opened(each.data).info
        seen = np.asarray(opened(each.data).convert("RGB"))
        assert np.abs(seen - wanted[..., None]).max() < 12 and np.abs(seen - wanted[..., None]).mean() < 2
    assert made[0].facts["metadata"]["converted"] and not any(
        "dropped" in said for each in made for said in each.warnings
    )


def test_targets():
    assert len(IndexedTask("png", "size:3kB")(dump(NOISY)).data) <= 3000
    made = IndexedTask("gif", "size:4kB")(dump(NOISY))
    assert len(made.data) <= 4000 and made.facts["target"] == "size:4kB"
    assert IndexedTask("png", "psnr:25")(dump(NOISY)).facts["achieved"] >= 25
    for wrong in (("gif", "psnr:30"), ("png", "bpp:1"), ("webp", None)):
        with pytest.raises(ParameterError, match="other formats|choose one of"):
            IndexedTask(*wrong)


def test_names():
    assert [IndexedTask("png").rename(name) for name in ("a.jpg", "b.PNG", "c.apng")] == ["a.png", "b.PNG", "c.apng"]
    assert IndexedTask("gif").rename("a.tar.webp") == "a.tar.gif"
    with pytest.raises(ParameterError, match="name it a.gif"):
        IndexedTask("gif").check("a.jpg")
    task = IndexedTask("gif", max_size=9, strip="gps")
    assert pickle.loads(pickle.dumps(task)) == task
