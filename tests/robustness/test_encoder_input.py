"""Hostile encoder input: shapes, strides, types, options. The result is a valid JPEG or a ParameterError."""

import datetime
import decimal
import fractions

import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

import codec
from codec.jpeg import EncodeOptions, Metadata, QuantTables

IMAGE = hostile.picture(13, 11)
EXPECTED = codec.encode(IMAGE)


@pytest.fixture(autouse=True)
def silent(capfd):
    yield
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


def readonly(array):
    array = array.copy()
    array.setflags(write=False)
    return array


def in_a_larger_one(array):
    large = np.zeros((3 * array.shape[0], 3 * array.shape[1], 7), np.uint8)
    large[1::3, 2::3, 1:7:2] = array
    return large[1::3, 2::3, 1:7:2]


def unaligned(array):
    buffer = np.zeros(array.size + 1, np.uint8)
    buffer[1:] = array.reshape(-1)
    return buffer[1:].reshape(array.shape)


class Wrapped:
    def __array__(self, dtype=None, copy=None):
        return IMAGE


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "negative strides": lambda a: a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "part of a larger array": in_a_larger_one,
    "planes": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "read-only": readonly,
    "odd address": unaligned,
    "memoryview": lambda a: memoryview(a),
    "nested lists of uint8": lambda a: [[list(pixel) for pixel in row] for row in a],
    "subclass": lambda a: a.view(np.ma.MaskedArray),
    "__array__": lambda a: Wrapped(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_does_not_matter(layout):
    if layout == "nested lists of uint8":
        assert np.asarray(LAYOUTS[layout](IMAGE)).dtype == np.uint8
    assert codec.encode(LAYOUTS[layout](IMAGE)) == EXPECTED


def test_zero_strides():
    image = np.broadcast_to(np.uint8(77), (9, 9, 3))
    assert codec.encode(image) == codec.encode(np.full((9, 9, 3), 77, np.uint8))


WRONG = {
    "no rows": (np.zeros((0, 5, 3), np.uint8), "5x0"),
    "no columns": (np.zeros((5, 0, 3), np.uint8), "0x5"),
    "no channels": (np.zeros((5, 5, 0), np.uint8), "shape"),
    "two channels": (np.zeros((5, 5, 2), np.uint8), "shape"),
    "five channels": (np.zeros((5, 5, 5), np.uint8), "shape"),
    "alpha": (np.zeros((5, 5, 4), np.uint8), "RGBA or CMYK"),
    "65536 wide": (np.broadcast_to(np.uint8(0), (1, 65536)), "65536x1"),
    "65536 high": (np.broadcast_to(np.uint8(0), (65536, 1)), "1x65536"),
    "a terabyte": (np.broadcast_to(np.uint8(0), (1 << 20, 1 << 20)), "1048576x1048576"),
    "one number": (np.uint8(5), "shape"),
    "a row": (np.zeros(5, np.uint8), "shape"),
    "a batch": (np.zeros((2, 5, 5, 3), np.uint8), "shape"),
    "NaN": (np.full((5, 5), np.nan), "NaN.*astype"),
    "infinity": (np.full((5, 5), np.inf, np.float16), "uint8, not float16"),
    "long double": (np.zeros((5, 5), np.longdouble), "uint8"),
    "complex": (np.zeros((5, 5), complex), "uint8, not complex"),
    "bool": (np.zeros((5, 5), bool), "uint8, not bool"),
    "int8": (np.zeros((5, 5), np.int8), "uint8, not int8"),
    "uint16": (np.zeros((5, 5), np.uint16), "uint8, not uint16"),
    "int64": (np.zeros((5, 5), int), "uint8, not int"),
    "objects": (np.full((5, 5), None), "uint8, not object"),
    "objects that are integers": (np.full((5, 5), 3, object), "uint8, not object"),
    "text": (np.full((5, 5), "a"), "uint8"),
    "dates": (np.zeros((5, 5), "M8[s]"), "uint8"),
    "records": (np.zeros((5, 5), [("r", "u1"), ("g", "u1"), ("b", "u1")]), "uint8"),
    "ragged": ([[1, 2], [3]], "ragged|uint8"),
    "None": (None, "uint8, not NoneType"),
    "a path": ("photo.png", "takes an array of pixels"),
    "bytes": (b"\xff\xd8", "takes an array of pixels"),
    "a dict": ({}, "uint8, not dict"),
    "a generator": ((i for i in range(5)), "uint8, not generator"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_images_are_named(name):
    image, match = WRONG[name]
    for encode in (codec.encode, codec.jpeg.encode):
        with pytest.raises(codec.ParameterError, match=match):
            encode(image)


# ---------------------------------------------------------------- options

OPTIONS = [name for name in EncodeOptions().__dataclass_fields__]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.complex_numbers(),
    st.lists(st.integers(0, 300), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(
        [
            (),
            object(),
            codec,
            int,
            np.array([1, 2]),
            np.array("4:2:0"),
            np.uint8(50),
            np.int64(-1),
            np.float32(75),
            np.nan,
            np.True_,
            Ellipsis,
            NotImplemented,
            b"4:2:0",
            "4:2:0 ",
            "420",
            "422",
            "999",
            "4:1:1",
            "YCbCr",
            "AUTO",
            decimal.Decimal(75),
            fractions.Fraction(75),
            datetime.date(2020, 1, 1),
            10**400,
            -0.0,
            75.0,
            "75",
            QuantTables,
            Metadata,
            QuantTables([1] * 64),
            Metadata(comments=(b"x",)),
            range(64),
        ]
    ),
)


@given(name=st.sampled_from(OPTIONS), value=JUNK)
@examples(600)
def test_options_of_any_type(name, value):
    """An option is accepted and the file decodes, or ParameterError names the option."""
    arguments = {"quality": 75, name: value}
    try:
        data = codec.encode(IMAGE, **arguments)
    except codec.ParameterError as error:
        assert name in str(error) or (name == "color" and "channels" in str(error))
        return
    assert codec.decode(data).shape == (IMAGE if codec.probe(data).color != "gray" else IMAGE[..., 0]).shape


@given(
    options=st.fixed_dictionaries(
        {},
        optional={
            "quality": st.integers(-1, 102),
            "effort": st.integers(0, 10),
            "restart_interval": st.sampled_from([-1, 0, 1, 2, 7, 65535, 65536]),
            "subsampling": st.sampled_from(["auto", "4:4:4", "422", "4:4:0", "4:2:0"]),
            "progressive": st.sampled_from([None, True, False]),
            "color": st.sampled_from(["auto", "gray", "ycbcr", "rgb", "cmyk", "ycck"]),
            "quant_tables": st.sampled_from([None, QuantTables([1] * 64), QuantTables([65535] * 64, range(1, 65))]),
        },
    ),
    shape=st.sampled_from([(1, 1), (7, 9), (16, 16), (17, 33), (1, 40), (3, 5, 1), (8, 8, 3), (9, 17, 3), (33, 31, 4)]),
    seed=st.integers(0, 99),
)
@examples(300)
def test_options_together(options, shape, seed):
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    try:
        data = codec.encode(image, **options)
    except codec.ParameterError:
        return
    strict, _ = hostile.judge(data)
    assert strict is not None and not strict.doubts and strict.pixels.shape[:2] == shape[:2]


@pytest.mark.parametrize(
    "wrong,right",
    [
        ("qualty", "quality"),
        ("sub_sampling", "subsampling"),
        ("colour", "color"),
        ("restart_intervall", "restart_interval"),
        ("meta_data", "metadata"),
        ("quanttables", "quant_tables"),
        ("Progressive", "progressive"),
    ],
)
def test_an_unknown_option_gets_the_nearest_name(wrong, right):
    for call in (
        lambda: codec.encode(IMAGE, **{wrong: 1}),
        lambda: codec.jpeg.encode(IMAGE, **{wrong: 1}),
        lambda: codec.write("never.jpg", IMAGE, **{wrong: 1}),
    ):
        with pytest.raises(codec.ParameterError, match=f"unknown option '{wrong}' for JPEG; did you mean '{right}'"):
            call()


def test_an_option_like_no_other():
    with pytest.raises(codec.ParameterError, match=r"unknown option 'zzz' for JPEG \(options: quality, "):
        codec.encode(IMAGE, zzz=1)


@pytest.mark.parametrize(
    "values",
    [
        [0] * 64,
        [65536] * 64,
        [1] * 63,
        [1.5] * 64,
        "a" * 64,
        None,
        [[1], [1, 2]],
        [None] * 64,
        [10**30] * 64,
        [-1] * 64,
        object(),
        [True] * 64,
        np.zeros((0, 64), int),
        {},
    ],
)
def test_wrong_quantization_tables_are_named(values):
    for build in (lambda: QuantTables(values), lambda: QuantTables([1] * 64, values if values is not None else "")):
        with pytest.raises(codec.ParameterError, match="luminance|chrominance"):
            build()


# ---------------------------------------------------------------- metadata


@given(name=st.sampled_from(list(Metadata().__dataclass_fields__)), value=JUNK)
@examples(300)
def test_metadata_of_any_type(name, value):
    try:
        metadata = Metadata(**{name: value})
    except codec.ParameterError as error:
        assert name in str(error)
        return
    hostile.judge(codec.encode(IMAGE, effort=1, metadata=metadata))


def test_metadata_too_large_is_refused():
    for arguments, match in (
        ({"icc": bytes(255 * 65519 + 1)}, "255 segments"),
        ({"comments": (bytes(65534),)}, "65533"),
        ({"density": (3, 1, 1)}, "density"),
        ({"density": (0, 0, 1)}, "density"),
        ({"density": (0, 65536, 1)}, "density"),
    ):
        with pytest.raises(codec.ParameterError, match=match):
            Metadata(**arguments)
    with pytest.raises(codec.ParameterError, match="cannot be split"):
        codec.encode(IMAGE, metadata=Metadata(xmp=bytes(70_000), xmp_extension=b"x"))


def test_metadata_as_large_as_it_goes():
    rng = np.random.default_rng(3)
    metadata = Metadata(
        icc=rng.bytes(3_000_000),
        exif=b"MM\0*" + rng.bytes(300_000),
        xmp=rng.bytes(200_000),
        iptc=rng.bytes(100_001),
        photoshop=b"8BIM\x04\x0c\0\0\0\0\0\0",
        comments=tuple(rng.bytes(65533) for _ in range(20)),
        density=(2, 65535, 1),
    )
    data = codec.encode(IMAGE, metadata=metadata)
    assert codec.probe(data).metadata == metadata
    assert codec.decode(data).shape == IMAGE.shape


@given(
    st.binary(max_size=300), st.sampled_from(["icc", "exif", "xmp", "xmp_extension", "iptc", "photoshop", "comments"])
)
@examples(200)
def test_metadata_of_any_bytes(value, name):
    """Any content leaves the picture intact, and everything that T.81 can frame comes back."""
    data = codec.encode(IMAGE, metadata=Metadata(**{name: (value,) if name == "comments" else value}))
    assert np.array_equal(codec.decode(data), codec.decode(EXPECTED))
    if name in ("icc", "comments"):
        assert getattr(codec.probe(data).metadata, name) == (((value,) if name == "comments" else value) or None)


# ---------------------------------------------------------------- sources


@pytest.mark.parametrize("source", [None, 5, 5.5, object(), [], np.zeros(5), {}, ()])
def test_sources_that_are_none(source):
    for reader in (codec.decode, codec.probe, codec.jpeg.inspect):
        with pytest.raises(codec.ParameterError, match="source is a"):
            reader(source)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\0" * 1000,
        b"\xff" * 1000,
    ],
)
def test_data_that_is_no_picture(data):
    strict, concealed = hostile.judge(data)
    assert strict is None and concealed is None


@pytest.mark.parametrize("on_error", [None, "", "Raise", 1, [], "ignore"])
def test_on_error(on_error):
    with pytest.raises(codec.ParameterError, match="'raise' or 'conceal'"):
        codec.decode(EXPECTED, on_error=on_error)
