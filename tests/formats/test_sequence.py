"""Animations from whatever Python programs hold: arrays, Pillow images, files, folders, generators of them."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import clip
from PIL import Image

import codec
from codec.errors import CodecError, FileError, ParameterError
from codec.formats import animation, sequence


def saved(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def frames(picture):
    return [picture(20, 30, seed=seed) for seed in range(4)]


@pytest.fixture
def files(frames, tmp_path):
    """Written so that names, times and sizes all suggest other orders."""
    (tmp_path / "in").mkdir()
    names = ["f2.png", "f10.png", "F11.png", "f100.png"]
    for name, pixels in reversed(list(zip(names, frames))):
        (tmp_path / "in" / name).write_bytes(saved(Image.fromarray(pixels)))
    return [tmp_path / "in" / name for name in names]


def test_every_way_to_pass_frames_gives_the_same_bytes(frames, files):
    wanted = codec.palette.animate(frames, fps=10).data
    images = [Image.fromarray(pixels) for pixels in frames]
    ways = {
        "arrays": frames, "tuple": tuple(frames), "generator": (pixels for pixels in frames), "stack": np.stack(frames),
        "Pillow": images, "paths": files, "names": map(str, files), "bytes": [path.read_bytes() for path in files],
        "files": [io.BytesIO(path.read_bytes()) for path in files], "folder": files[0].parent, "name": str(files[0].parent),
        "mixed": [files[0], frames[1], images[2], io.BytesIO(files[3].read_bytes())],
        "closing": opened(files), "buffer": refilled(frames), "bytearrays": [bytearray(p.read_bytes()) for p in files],
    }  # fmt: skip
    for name, sources in ways.items():
        assert codec.animate(sources, fps=10).data == wanted, name


def opened(files):
    """Files that are closed when the next one is asked for."""
    for path in files:
        with path.open("rb") as file:
            yield file


def refilled(frames):
    buffer = np.empty_like(frames[0])
    for pixels in frames:
        buffer[:] = pixels
        yield buffer


def test_an_image_that_changes_between_frames(frames):
    def shown():
        image = Image.new("RGB", (30, 20))
        for pixels in frames:
            image.paste(Image.fromarray(pixels))
            yield image

    assert codec.animate(shown()).data == codec.animate(frames).data


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "YCbCr", "HSV", "PA", "La", "RGBa", "I;16"])
def test_pillow_images_are_their_colours(frames, mode):
    image = Image.fromarray(frames[0])
    steps = {"PA": ("P", "PA"), "La": ("LA", "La"), "RGBa": ("RGBA", "RGBa"), "I;16": ("L", "I", "I;16")}
    for step in steps.get(mode, (mode,)):
        image = image.convert(step)
    shown = image.convert("RGBA" if "A" in mode else "LA" if mode == "La" else "RGBA" if mode == "RGBa" else "RGB")
    if mode == "I;16":  # levels of 8 bits: nearly black of 16
        shown = Image.fromarray(((np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    made = codec.animate([image, image], lossy=0)
    assert made.data == codec.animate([np.asarray(shown.convert("RGBA"))] * 2, lossy=0).data


def test_one_picture_of_any_kind_is_one_frame(frames):
    for source in (frames[0], frames[0][..., 0], Image.fromarray(frames[0]), saved(Image.fromarray(frames[0]))):
        assert codec.animate(source).frames == 1


def test_a_video_in_memory_is_a_clip():
    video = clip(10, fps=Fraction(25))
    made = codec.animate(video)
    assert made.data == codec.palette.animate(video).data
    assert (codec.animate(video, fps=5).frames, codec.animate(video, fps=5).seconds) == (2, Fraction(2, 5))


def test_a_pillow_image_of_several_frames_is_its_file(frames, tmp_path):
    images = [Image.fromarray(pixels) for pixels in frames]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=100)
    with Image.open(tmp_path / "a.gif") as image:
        assert codec.animate(image).data == codec.animate(tmp_path / "a.gif").data
    with pytest.raises(ParameterError, match="4 frames, of which it shows one"):
        codec.animate(Image.open(io.BytesIO((tmp_path / "a.gif").read_bytes())))


def test_numbers_in_names_count_as_numbers():
    names = ["f1.png", "f2.png", "f10.png", "F10b.png", "g.png", "10.png", "9.png"]
    assert sorted(names, key=sequence.natural) == [
        "9.png",
        "10.png",
        "f1.png",
        "f2.png",
        "f10.png",
        "F10b.png",
        "g.png",
    ]


def test_what_a_folder_holds_besides_is_named(files):
    folder = files[0].parent
    (folder / ".f3.png").write_bytes(files[0].read_bytes())
    (folder / "notes.txt").write_text("no picture")
    (folder / "more").mkdir()
    found, others = sequence.folder(str(folder))
    assert [Path(name) for name in found] == files
    assert sorted(others) == [".f3.png (hidden)", "more (a folder)", "notes.txt (no picture by its name)"]
    (warning,) = codec.animate(folder).warnings
    assert "3 left out" in warning and all(other in warning for other in others)
    with pytest.raises(ParameterError, match="holds no pictures"):
        codec.animate(folder / "more")


@pytest.mark.parametrize("spoil, says", [
    (lambda path: path.write_bytes(path.read_bytes()[:100]), "f10.png: "), (lambda path: path.write_bytes(b"nothing"), "f10.png: "),
    (lambda path: path.write_bytes(b""), "f10.png"), (lambda path: Image.new("RGB", (31, 20)).save(path), "f10.png is 31x20"),
    (lambda path: Image.new("CMYK", (30, 20)).save(path, "TIFF"), "f10.png: it is CMYK"),
])  # fmt: skip
def test_a_bad_frame_is_named(files, tmp_path, spoil, says):
    spoil(files[1])
    with pytest.raises(CodecError, match=says):
        codec.animate(files[0].parent, tmp_path / "o.gif")
    assert not (tmp_path / "o.gif").exists()


@pytest.mark.parametrize("sources, says", [
    (5, "sources are a path"), (None, "sources are a path"), ([], "no frames"), (iter(()), "no frames"), ([7], "frame 0"),
    ([np.zeros((4, 4))], "frame 0: .*uint8"), ([np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8)], "frame 1"),
    ([Image.new("CMYK", (4, 4))], "frame 0: .*convert"), ([np.zeros((4, 4), np.uint8), object()], "frame 1"),
])  # fmt: skip
def test_what_is_no_frame(sources, says):
    with pytest.raises(ParameterError, match=says):
        codec.animate(sources)


def test_a_file_that_is_not_there():
    with pytest.raises(FileError, match="nowhere.png"):
        codec.animate([np.zeros((4, 4), np.uint8), "nowhere.png"])


# ---------------------------------------------------------------- width


@pytest.mark.parametrize("width, height", [(30, 20), (15, 10), (20, 13), (1, 1)])
def test_frames_are_scaled_by_pillow_and_keep_their_aspect_ratio(frames, width, height):
    found = animation.load(frames, width=width)
    wanted = [np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.LANCZOS)) for p in frames]
    assert all(np.array_equal(a, b) for a, b in zip(found.pictures, wanted, strict=True))
    made = codec.animate(frames, width=width)
    assert (made.width, made.height) == (width, height)


def test_every_kind_of_source_is_scaled(frames, tmp_path):
    images = [Image.fromarray(pixels) for pixels in frames]
    for format in ("GIF", "PNG", "WEBP"):
        data = saved(images[0], format, save_all=True, append_images=images[1:], duration=100)
        assert {pixels.shape[:2] for pixels in animation.load(data, width=15).pictures} == {(10, 15)}
    video = clip(3)
    assert codec.animate(video, width=video.width // 2).width == video.width // 2
    assert codec.animate([frames[0][..., 0]] * 2, width=15).height == 10
    clear = np.dstack([frames[0], np.where(np.arange(30) < 15, 0, 255).astype(np.uint8).repeat(20).reshape(30, 20).T])
    hidden = clear.copy()
    hidden[:, :15, :3] = 255  # colours of transparent pixels do not bleed into the others
    for ours, theirs in zip(animation.load(clear, width=10).pictures, animation.load(hidden, width=10).pictures):
        assert np.array_equal(ours[ours[..., 3] > 0], theirs[ours[..., 3] > 0])


@pytest.mark.parametrize("width", [31, 0, -1, 2.5, True, "20"])
def test_widths_that_are_refused(frames, width):
    with pytest.raises(ParameterError, match="width"):
        codec.animate(frames, width=width)


def test_pictures_of_one_aspect_ratio_become_one_size(frames):
    large = Image.fromarray(frames[1]).resize((60, 40))
    assert codec.animate([frames[0], large], width=30).frames == 2


def tiff(*pages):
    buffer = io.BytesIO()
    first, *others = map(Image.fromarray, pages)
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def test_pages_of_a_tiff_are_frames(frames):
    found = animation.load(tiff(*frames), fps=5)
    assert len(found.pictures) == len(frames) and found.warnings == () and set(found.seconds) == {Fraction(1, 5)}
    for page, frame in zip(found.pictures, frames):
        assert np.array_equal(page, frame)
    with pytest.raises(ParameterError, match="page 2 is 4x3, and the frames before it are"):
        animation.load(tiff(frames[0], frames[1][:3, :4]))
    assert any("only the first is used" in warning for warning in animation.load([tiff(*frames), frames[0]]).warnings)


def test_warnings_of_the_only_source_do_not_repeat_its_name(frames, tmp_path):
    for name in ("a.tif", "b.tif"):
        Image.fromarray(frames[0].astype(np.uint16)[..., 0] * 257).save(tmp_path / name)
    (alone,) = animation.load(tmp_path / "a.tif").warnings
    assert "16" in alone and "a.tif" not in alone
    both = animation.load([tmp_path / "a.tif", tmp_path / "b.tif"]).warnings
    assert [warning.partition(": ")[0] for warning in both] == [str(tmp_path / name) for name in ("a.tif", "b.tif")]
