"""The public API: kinds of sources, lazy names, signatures, errors that are also builtins, and running examples."""

import doctest
import importlib
import inspect
import io
import json
import mmap
import pathlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import codec


@pytest.fixture
def image(picture):
    return picture(24, 31)


@pytest.fixture
def data(image):
    return codec.encode(image)


# ---------------------------------------------------------------- sources


def sources(data, folder):
    path = folder / "picture with spaces é.jpg"
    path.write_bytes(data)
    yield "str", str(path)
    yield "Path", path
    yield "bytes", data
    yield "bytearray", bytearray(data)
    yield "memoryview", memoryview(data)
    yield "part of a memoryview", memoryview(b"xx" + data + b"yy")[2:-2]
    yield "every second byte", memoryview(bytes(b for byte in data for b in (byte, 0)))[::2]
    yield "BytesIO", io.BytesIO(data)
    with open(path, "rb") as file:
        yield "file", file
    with open(path, "rb", buffering=0) as file:
        yield "unbuffered file", file


READERS = {
    "decode": codec.decode,
    "read": codec.read,
    "probe": codec.probe,
    "jpeg.decode": lambda source: codec.jpeg.decode(source).pixels,
    "jpeg.probe": codec.jpeg.probe,
    "jpeg.inspect": codec.jpeg.inspect,
}


@pytest.mark.parametrize("name", READERS)
def test_any_source_is_read_alike(name, data, tmp_path):
    expected = READERS[name](data)
    for kind, source in sources(data, tmp_path):
        np.testing.assert_equal(READERS[name](source), expected, err_msg=kind)


def test_a_mapped_file_is_a_file_object(data, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        np.testing.assert_array_equal(codec.decode(mapped), codec.decode(data))


def test_a_file_object_is_read_from_where_it_stands_and_left_open(data):
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    assert codec.probe(file).width == 31 and not file.closed and file.read() == b""


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "source, error, why",
    [
        ("no/such/file.jpg", codec.FileError, "cannot read no/such/file.jpg: .*; check the path"),
        (".", codec.FileError, "cannot read .*name a file, not a folder"),
        (b"", codec.TruncatedError, "is empty"),
        (io.BytesIO(), codec.TruncatedError, "is empty"),
        (io.StringIO("text"), codec.ParameterError, "open it in binary mode"),
        (None, codec.ParameterError, "the source is a NoneType; pass a path, bytes"),
        (5, codec.ParameterError, "the source is a int"),
        (np.zeros((3, 3)), codec.ParameterError, "the source is a ndarray"),
        ("a\0b", codec.ParameterError, "is no path"),
        (b"\x89PNG\r\n\x1a\n", codec.BitstreamError, "not a JPEG but a PNG: no SOI marker"),
        (b"not a JPEG at all", codec.BitstreamError, "not a JPEG: no SOI marker, the data begins with 6e 6f 74 20"),
    ],
)
def test_what_cannot_be_read_is_told(name, source, error, why):
    with pytest.raises(error, match=why):
        READERS[name](source)


def test_file_bytes_are_limited(data, tmp_path):
    (tmp_path / "a.jpg").write_bytes(data)
    for source in (tmp_path / "a.jpg", io.BytesIO(data)):
        with pytest.raises(codec.LimitError, match="longer than 100 bytes"):
            codec.decode(source, limits=codec.Limits(file_bytes=100))


def test_decoded_pixels_are_ones_own(data):
    first, second = codec.decode(data), codec.decode(data)
    first[...] = 0
    assert second.any() and first.flags.owndata | (first.base is not None) and first.flags.writeable


# ---------------------------------------------------------------- writing


def test_write_and_read(image, tmp_path):
    path = tmp_path / "a.jpg"
    assert codec.write(path, image, 90, subsampling="4:4:4", effort=1) is None
    assert path.read_bytes() == codec.encode(image, 90, subsampling="4:4:4", effort=1)
    codec.write(str(path), image)
    np.testing.assert_array_equal(codec.read(path), codec.decode(codec.encode(image)))
    assert [p.name for p in tmp_path.iterdir()] == ["a.jpg"]


def test_a_failed_write_leaves_the_file_alone(image, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"precious")
    with pytest.raises(codec.ParameterError):
        codec.write(path, image.astype(float))
    with pytest.raises(codec.ParameterError, match="did you mean 'quality'"):
        codec.write(path, image, qualiti=3)
    assert path.read_bytes() == b"precious"
    with pytest.raises(codec.FileError, match="cannot write"):
        codec.write(tmp_path / "no" / "a.jpg", image)


# ---------------------------------------------------------------- calls that other code relies on


def test_the_calls_of_the_benchmarks(image):
    for subsampling in ("auto", "4:4:4", "4:2:2", "4:2:0"):
        for effort in range(1, 10):
            data = codec.encode(image, quality=75, subsampling=subsampling, effort=effort)
            assert isinstance(data, bytes) and data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"
    pixels = codec.decode(data)
    assert isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape == image.shape
    assert codec.decode(codec.encode(image[..., 0])).shape == image.shape[:2]
    assert isinstance(codec.metrics.psnr(image, pixels, data_range=255), float) and isinstance(
        codec.metrics.ssim(image, pixels, data_range=255), float
    )
    assert issubclass(codec.CodecError, Exception)


@pytest.mark.parametrize(
    "function, first", [(codec.encode, ["image"]), (codec.jpeg.encode, ["image"]), (codec.write, ["path", "image"])]
)
def test_signatures_show_every_option(function, first):
    parameters = inspect.signature(function).parameters
    assert list(parameters) == [
        *first,
        "quality",
        "subsampling",
        "effort",
        "tune",
        "chroma_quality",
        "progressive",
        "color",
        "quant_tables",
        "restart_interval",
        "metadata",
        "coding",
        "target",
        "threads",
    ]
    assert (
        parameters["quality"].default is None and parameters["quality"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(parameters)[len(first) + 1 :])
    assert {name: p.default for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY} == {
        "subsampling": "auto",
        "effort": 5,
        "tune": "ssimulacra2",
        "chroma_quality": None,
        "progressive": None,
        "color": "auto",
        "quant_tables": None,
        "restart_interval": 0,
        "metadata": None,
        "coding": "huffman",
        "target": None,
        "threads": 1,
    }


def test_options_are_keywords(image):
    with pytest.raises(TypeError):
        codec.encode(image, 75, "4:2:0")
    with pytest.raises(TypeError):
        codec.decode(b"", "raise")


@pytest.mark.parametrize(
    "error, builtin",
    [
        (codec.ParameterError, ValueError),
        (codec.BitstreamError, ValueError),
        (codec.TruncatedError, EOFError),
        (codec.TruncatedError, codec.BitstreamError),
        (codec.UnsupportedError, NotImplementedError),
        (codec.LimitError, ValueError),
        (codec.FileError, OSError),
        (codec.MissingPackageError, ImportError),
    ],
)
def test_each_error_is_also_what_people_already_catch(error, builtin):
    assert issubclass(error, builtin) and issubclass(error, codec.CodecError)


def test_bitstream_errors_tell_layer_offset_and_clause():
    with pytest.raises(codec.BitstreamError) as caught:
        codec.decode(b"\xff\xd8\xff\xfe\0\1..")
    error = caught.value
    assert (error.layer, error.offset, error.clause, error.reason) == (
        "marker segment",
        2,
        "T.81 B.1.1.4",
        "COM of length 1; 2 is the least",
    )
    assert str(error) == "marker segment at byte 2: COM of length 1; 2 is the least (T.81 B.1.1.4)"


# ---------------------------------------------------------------- names


def test_every_name_can_be_had():
    assert set(codec.__all__) <= set(dir(codec))
    for name in codec.__all__:
        assert getattr(codec, name) is not None
    namespace = {}
    exec("from codec import *", namespace)
    assert set(codec.__all__) <= set(namespace)


def test_other_names_are_told_apart():
    with pytest.raises(AttributeError, match="module 'codec' has no attribute 'encod'"):
        codec.encod
    with pytest.raises(ImportError):
        exec("from codec import nonsense")


def test_names_are_loaded_when_they_are_used():
    code = """
import sys, json, codec
before = "codec.jpeg" in sys.modules
codec.encode
print(json.dumps([before, "codec.jpeg" in sys.modules, "codec.metrics" in sys.modules, "encode" in vars(codec)]))
"""
    made = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=pathlib.Path(codec.__file__).parents[1],
    )
    assert json.loads(made.stdout) == [False, True, False, True]


def test_the_version_is_a_version():
    assert [part.isdigit() for part in codec.__version__.split(".")] == [True] * 3


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("field", ["pixels", "scans", "scan_pixels", "metadata_bytes", "file_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", None, True])
def test_limits_are_positive_integers(field, value):
    with pytest.raises(codec.ParameterError, match=f"Limits.{field} must be a positive integer"):
        codec.Limits(**{field: value})


# ---------------------------------------------------------------- examples


def documented():
    """(name, docstring) of everything with an example, compiled functions included."""
    for found in pkgutil.walk_packages(codec.__path__, "codec."):
        if found.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(found.name)
        except codec.MissingPackageError:  # an adapter to a library that is not installed
            continue
        things = [(found.name, module)] + [
            (f"{found.name}.{name}", value)
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == found.name
        ]
        for name, thing in list(things):
            if inspect.isclass(thing):
                things += [
                    (f"{name}.{member}", value) for member, value in vars(thing).items() if not member.startswith("__")
                ]
        for name, thing in things:
            docstring = getattr(thing, "__doc__", None)
            if isinstance(docstring, str) and ">>>" in docstring:
                yield name, docstring


EXAMPLES = dict(documented())


def test_examples_are_found():
    assert {
        "codec.api.encode",
        "codec.jpeg.decoder.decode",
        "codec._core.fdct",
        "codec.limits.Limits",
        "codec.metrics.ssim.ssim",
    } <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name):
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    )
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, None, 0)
    result = runner.run(test, out=(told := io.StringIO()).write)
    assert result.failed == 0, told.getvalue()


@pytest.mark.parametrize(
    "name",
    [f"codec.{name}" for name in ("encode", "decode", "probe")]
    + [f"codec.jpeg.{name}" for name in ("encode", "decode", "inspect", "QuantTables", "Metadata")],
)
def test_public_functions_show_an_example(name):
    module, attribute = name.rsplit(".", 1)
    assert ">>>" in getattr(importlib.import_module(module), attribute).__doc__


# ---------------------------------------------------------------- as people try it


def test_a_path_is_no_picture(tmp_path):
    for path in ("photo.png", tmp_path / "photo.png", b"photo", io.BytesIO(b"photo")):
        with pytest.raises(codec.ParameterError, match="takes an array of pixels: codec.read"):
            codec.encode(path)
        with pytest.raises(codec.ParameterError, match="takes an array of pixels"):
            codec.quantize_colors(path)


def test_floats_and_alpha_are_refused_with_the_way_out():
    image = np.random.default_rng(0).random((16, 16, 4))
    with pytest.raises(codec.ParameterError, match=r"\(image \* 255\)\.round\(\)\.astype\(np\.uint8\)"):
        codec.encode(image[..., :3])
    image = (image * 255).round().astype(np.uint8)
    with pytest.raises(codec.ParameterError, match="over white") as caught:
        codec.encode(image)
    remedy = str(caught.value).split("over white it is ")[1]
    over_white = eval(remedy, {"image": image, "np": np})
    alpha = image[..., 3:] / 255
    assert np.abs(over_white - (alpha * image[..., :3] + (1 - alpha) * 255)).max() <= 0.51


@pytest.mark.parametrize("name", ["w.png", "w.PNG", "w.webp", "w.txt"])
def test_no_jpeg_is_written_under_another_name(tmp_path, name):
    with pytest.raises(codec.ParameterError, match="codec.write writes JPEG"):
        codec.write(tmp_path / name, np.zeros((8, 8), np.uint8))
    assert not list(tmp_path.iterdir())


def test_file_objects_are_read_and_written(tmp_path):
    image, buffer = np.full((8, 8), 9, np.uint8), io.BytesIO()
    codec.write(buffer, image)
    assert buffer.getvalue() == codec.encode(image)
    buffer.seek(0)
    assert np.array_equal(codec.read(buffer), codec.decode(codec.encode(image)))
    with pytest.raises(codec.ParameterError, match="binary mode"):
        codec.write(io.StringIO(), image)
    buffer.close()
    with pytest.raises(codec.FileError, match="cannot write"):
        codec.write(buffer, image)


def exif_of(orientation):
    return codec.jpeg.exif.orientation_alone(orientation)[1]


@pytest.mark.parametrize("orientation", range(10))
def test_orientation_and_upright(orientation):
    from PIL import Image, ImageOps

    image = np.random.default_rng(0).integers(0, 256, (16, 24), np.uint8)
    data = codec.encode(image, metadata=codec.jpeg.Metadata(exif=exif_of(orientation)))
    assert codec.probe(data).orientation == (orientation if 1 <= orientation <= 8 else 1)
    with Image.open(io.BytesIO(data)) as picture:
        assert ImageOps.exif_transpose(picture).size == codec.decode(data, upright=True).shape[::-1]
        exif = picture.getexif()
    turned = Image.fromarray(codec.decode(data))
    turned.getexif()[0x0112] = exif[0x0112]
    shown = np.asarray(ImageOps.exif_transpose(turned))
    assert np.array_equal(codec.decode(data, upright=True), shown)
    assert np.array_equal(codec.read(io.BytesIO(data), upright=True), shown)


def test_results_print_as_one_line_and_show_in_notebooks():
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    encoded = codec.jpeg.encode(image, metadata=codec.jpeg.Metadata(icc=bytes(100_000), comments=(b"c" * 1000,)))
    decoded = codec.jpeg.decode(encoded.data)
    frame = codec.Frame((image[..., 0],) * 3, chroma="4:4:4", user_data=((5, bytes(10_000)),))
    few = codec.quantize_colors(image, 16)
    cluster = codec.quantizers.kmeans.cluster(image.reshape(-1, 3), 8)
    for each in (encoded, decoded, decoded.info.metadata, codec.jpeg.transcode(encoded.data), frame, few, cluster):
        assert len(repr(each)) < 400 and "\n" not in repr(each)
    for each, pixels in ((decoded, decoded.pixels), (frame, frame.to_rgb()), (few, few.image())):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(each._repr_png_()))), pixels)
    assert encoded._repr_jpeg_() == encoded.data


def test_pillow_images_keep_their_icc_profile(tmp_path):
    """Display P3 shown as sRGB is a wrong picture."""
    Image = pytest.importorskip("PIL.Image")
    ImageCms = pytest.importorskip("PIL.ImageCms")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(8).integers(0, 256, (24, 16, 3), np.uint8)
    picture = Image.fromarray(pixels)
    picture.info["icc_profile"] = profile
    codec.write(tmp_path / "a.jpg", picture)
    files = [codec.encode(picture), codec.jpeg.encode(picture).data, (tmp_path / "a.jpg").read_bytes()]
    files += [codec.encode(picture, target="size:3kB"), *codec.encode_many([picture])]
    assert all(codec.probe(file).metadata.icc == profile for file in files)
    assert codec.encode(picture, metadata=codec.jpeg.Metadata()) == codec.encode(pixels)
    gray = picture.convert("L")
    gray.info["icc_profile"] = profile  # of RGB: it does not describe gray
    assert codec.probe(codec.encode(gray)).metadata.icc is None
