"""Damaged files: the row says that they are, what of them is there, and that an output is not the whole picture."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import codec
from codec.batch import CompressTask, DecompressTask, IndexedTask, Job, PaletteTask, TranscodeTask
from codec.errors import BitstreamError
from codec.formats.chunks import chunks
from codec.formats.pictures import dump
from codec.jpeg import EncodeOptions

PIXELS = np.random.default_rng(11).integers(0, 256, (48, 64, 3), np.uint8)
FRAMES = [Image.fromarray(np.roll(PIXELS, 5 * i, 0)) for i in range(3)]
TASKS = {
    "again": CompressTask(EncodeOptions(quality=40)),
    "without loss": CompressTask(EncodeOptions(quality=98)),
    "smaller": CompressTask(EncodeOptions(quality=40), max_size=(32, 32)),
    "indexed": IndexedTask(),
    "palette": PaletteTask(),
    "transcode": TranscodeTask(),
    "decompress": DecompressTask(),
}
JPEG = codec.encode(PIXELS, 90)


def saved(form, frames=FRAMES, **options):
    stream = io.BytesIO()
    frames[0].save(stream, form, save_all=len(frames) > 1, append_images=frames[1:], **options)
    return stream.getvalue()


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker(name, progressive):
    data = codec.encode(PIXELS, 90, progressive=progressive)
    whole, made = (TASKS[name](each, Job("a.jpg", "b.png")) for each in (data, data[:-2]))
    said = "the file is damaged: the EOI marker is missing (T.81 B.2.1); all of its picture is there"
    assert made.reason.endswith(said) and said in made.warnings and made.facts["damaged"] is True
    assert not whole.facts.get("damaged") and "damaged" not in str(whole.reason)
    assert sum("EOI" in message for message in made.warnings) == 1
    if made.status == "done" and whole.status == "done":
        assert made.data == whole.data


@pytest.mark.parametrize("name", ["again", "indexed", "palette"])
def test_a_png_without_its_end(name):
    data = dump(PIXELS)
    for cut in (12, 14, 16):
        made = TASKS[name](data[:-cut], Job("a.png", "b.png"))
        assert made.reason == "the file is damaged: the end (IEND) is missing (PNG 5.6); all of its picture is there"
    assert TASKS[name](data, Job("a.png", "b.png")).reason is None
    assert TASKS[name](data + b"behind", Job("a.png", "b.png")).reason is None


@pytest.mark.parametrize("form", ["GIF", "PNG"])
def test_an_animation_that_is_kept_and_misses_its_end(form):
    data = saved(form)
    last = [chunk.offset for chunk in chunks(data) if chunk.kind == b"fcTL"][-1] if form == "PNG" else -1
    kept = TASKS["again"](data[:last], Job("a.x", "out/a.jpg", "out/a.x"))
    assert kept.status == "kept" and kept.data == data[:last] and "frames may" in kept.reason and kept.facts["damaged"]
    assert "damaged" not in TASKS["again"](data, Job("a.x", "out/a.jpg", "out/a.x")).reason


def test_missing_scans():
    data = codec.encode(PIXELS, 90, progressive=True)
    segments = codec.jpeg.inspect(data)["segments"]
    last = [each["offset"] for each in segments if each["marker"] in ("DHT", "SOS")][-1]
    for name in ("again", "without loss", "transcode"):
        made = TASKS[name](data[:last] + b"\xff\xd9", Job("a.jpg", "b.jpg"))
        assert "the file is damaged: the scans leave some coefficients unrefined" in made.reason
        assert made.reason.endswith("; the output is not the whole picture")


@pytest.mark.parametrize("name", ["again", "without loss", "indexed", "palette", "transcode", "decompress"])
def test_how_much_of_a_jpeg_is_there(name):
    grid = codec.jpeg.decode(JPEG[: len(JPEG) // 2], on_error="conceal").damage.mask
    there = int(100 * (1 - grid.mean()))
    assert 20 < there < 80
    with pytest.raises(
        BitstreamError, match=f"^the file is damaged, and {there} % of its picture can be read; codec dec"
    ):
        TASKS[name](JPEG[: len(JPEG) // 2], Job("a.jpg", "b.png"))
    with pytest.raises(BitstreamError, match="^the file is damaged: marker segment at byte 2"):
        TASKS[name](JPEG[:4], Job("a.jpg", "b.png"))


def test_an_original_in_place_that_is_cut_short_fails_and_one_without_its_end_is_kept():
    task = CompressTask(EncodeOptions(quality=40), carry_all=True)
    with pytest.raises(BitstreamError, match="^the file is damaged, and .* % of its picture can be read"):
        task(JPEG[: len(JPEG) // 2])
    kept = task(JPEG[:-2])
    assert kept.status == "kept" and "compress it into another folder; the file is damaged: the EOI" in kept.reason


def test_no_part_of_a_progressive_jpeg_is_complete():
    data = codec.encode(PIXELS, 90, progressive=True)
    with pytest.raises(BitstreamError, match="^the file is damaged, and no part of its picture is complete; codec dec"):
        TASKS["again"](data[: len(data) // 3])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(
    "form, frames",
    [
        *((form, 1) for form in ("PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000")),
        *((form, 3) for form in ("PNG", "GIF", "WEBP", "TIFF")),
    ],
)
@pytest.mark.parametrize("part", [0.3, 0.7])
def test_what_is_cut_short_is_damaged_whatever_its_format(form, frames, part):
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    data = saved(form, FRAMES[:frames], **options)
    data = data[: int(part * len(data))]
    for name in ("again", "indexed", "palette"):
        try:
            made = TASKS[name](data, Job("a.x", "out/a.y", "out/a.x"))
        except BitstreamError as error:
            assert str(error).startswith("the file is damaged, or cut short: ")
        else:
            assert frames > 1 and made.facts["damaged"]


def test_the_table_and_json_say_it(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut.jpg").write_bytes(JPEG[:-2])
    (tmp_path / "half.jpg").write_bytes(JPEG[: len(JPEG) // 2])
    table = run("compress", "cut.jpg", "half.jpg", "-o", "out", "-q", "40")
    assert table.code == 1 and "all of its picture is there" in table.table[0][-1]
    assert "% of its picture can be read" in table.table[1][-1]
    told = json.loads(run("compress", "cut.jpg", "-o", "out2/", "-q", "40", "--json").text)["files"][0]
    assert told["damaged"] is True and told["status"] == "done" and "EOI" in told["reason"]


def test_conceal_says_that_it_is_not_the_whole_picture():
    made = DecompressTask(conceal=True)(JPEG[: len(JPEG) // 2], Job("a.jpg", "b.png"))
    assert "MCUs lost or doubtful" in made.reason and made.reason.endswith("; the output is not the whole picture")
