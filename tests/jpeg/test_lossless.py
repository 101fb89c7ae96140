"""Lossless JPEG (T.81 Annex H): round trips for every precision and predictor, and files of a naive encoder."""

import warnings

import numpy as np
import pytest
from codec.jpeg._arith import encode_decisions
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from properties import examples

import codec
from codec._core import code_table, optimal_huffman, pack_bits
from codec.errors import BitstreamError, ParameterError, TruncatedError
from codec.jpeg import markers

encode_lossless, decode = codec.jpeg.encode_lossless, codec.decode


# ---------------------------------------------------------------- round trips


def random_image(rng, shape, bits, kind="noise"):
    top = (1 << bits) - 1
    image = rng.integers(0, top + 1, shape)
    if kind == "smooth":
        image = (
            np.add.outer(np.arange(shape[0]) * 3, np.arange(shape[1]) * 5)[(...,) + (None,) * (len(shape) - 2)]
            + image // 8
        ) & top
    if kind == "extreme":
        image = (image & 1) * top
    return image.astype(np.uint8 if bits <= 8 else np.uint16)


@pytest.mark.parametrize("bits", range(2, 17))
def test_every_precision_and_predictor(bits):
    rng = np.random.default_rng(bits)
    for shape in ((1, 1), (1, 7), (7, 1), (2, 2), (13, 18), (9, 11, 3), (1, 1, 3)):
        for kind in ("noise", "smooth", "extreme"):
            image = random_image(rng, shape, bits, kind)
            for predictor in ("auto", 1, 2, 3, 4, 5, 6, 7):
                result = encode_lossless(image, bits=bits, predictor=predictor)
                pixels = decode(result.data)
                assert pixels.dtype == image.dtype and result.bits == bits and predictor in ("auto", result.predictor)
                np.testing.assert_array_equal(pixels, image)


@examples(60)
@given(st.integers(2, 16), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 7), st.data())
def test_restarts_and_point_transforms(bits, height, width, channels, predictor, data):
    point_transform, restart_rows = data.draw(st.integers(0, bits - 1)), data.draw(st.integers(0, height + 1))
    image = random_image(np.random.default_rng(1), (height, width, channels), bits)
    coded = encode_lossless(
        image, bits=bits, predictor=predictor, point_transform=point_transform, restart_rows=restart_rows
    ).data
    expected = image >> image.dtype.type(point_transform) << image.dtype.type(point_transform)
    np.testing.assert_array_equal(decode(coded), expected if channels == 3 else expected[..., 0])
    assert codec.jpeg.inspect(coded)["scans"][0]["restart_intervals"] == (
        -(-height // restart_rows) if restart_rows else 1
    )


def test_auto_takes_the_smallest(picture):
    image = picture(50, 60)
    sizes = [encode_lossless(image, predictor=p).size for p in range(1, 8)]
    best = encode_lossless(image)
    assert best.size == min(sizes) and sizes[best.predictor - 1] == min(sizes)
    assert best.size < image.size and best.bpp == 8 * best.size / 3000


def test_the_image_of_the_caller_stays_as_it_is():
    image = np.arange(64, dtype=np.uint16).reshape(8, 8)
    encode_lossless(image, bits=8, point_transform=3)
    np.testing.assert_array_equal(image, np.arange(64).reshape(8, 8))


def test_strides_and_lists():
    image = np.arange(60, dtype=np.uint8).reshape(5, 12)[::-1, ::2]
    np.testing.assert_array_equal(decode(encode_lossless(image).data), image)


def test_the_difference_of_32768():
    """Category 16 has no bits of its own (H.1.2.2)."""
    image = np.array([[0, 32768, 0, 65535, 32767]], np.uint16)
    np.testing.assert_array_equal(decode(encode_lossless(image, predictor=1).data), image)


@pytest.mark.parametrize(
    "image, options, why",
    [
        (np.zeros((4, 4)), {}, "uint8 or uint16, not float64"),
        (np.zeros((4, 4), np.int16), {}, "uint8 or uint16, not int16"),
        (np.zeros((4, 4, 4), np.uint8), {}, "shape"),
        (np.zeros((0, 4), np.uint8), {}, "4x0"),
        (np.zeros((4, 4), np.uint8), dict(predictor=0), "predictor"),
        (np.zeros((4, 4), np.uint8), dict(predictor="best"), "predictor"),
        (np.zeros((4, 4), np.uint8), dict(bits=1), "bits must be an integer in 2..16"),
        (np.full((4, 4), 9, np.uint8), dict(bits=3), "image holds 9, more than bits=3 can hold: 7"),
        (np.zeros((4, 4), np.uint8), dict(point_transform=8), r"point_transform must be an integer in 0\.\.7"),
        (np.zeros((4, 4), np.uint8), dict(restart_rows=16384), r"restart_rows must be an integer in 0\.\.16383"),
        (np.zeros((4, 4), np.uint8), dict(metadata=b""), "codec.jpeg.Metadata"),
    ],
)
def test_impossible_requests(image, options, why):
    with pytest.raises(ParameterError, match=why):
        encode_lossless(image, **options)


def test_metadata_and_marks(picture):
    coded = encode_lossless(picture(8, 8), metadata=codec.jpeg.Metadata(icc=b"profile", comments=(b"x",))).data
    info = codec.probe(coded)
    assert (
        info.process == "lossless"
        and info.color == "rgb"
        and info.metadata.icc == b"profile"
        and info.metadata.comments == (b"x",)
    )
    assert codec.probe(encode_lossless(picture(8, 8, 1)).data).color == "gray"


# ---------------------------------------------------------------- handmade files


def predictions(plane, Ss, bits, first_lines):
    """Table H.1 and the rules for edges, one sample at a time."""
    out = np.zeros(plane.shape, int)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            if y in first_lines:
                out[y, x] = plane[y, x - 1] if x else 1 << (bits - 1)
                continue
            if x == 0:
                out[y, x] = plane[y - 1, x]
                continue
            Ra, Rb, Rc = int(plane[y, x - 1]), int(plane[y - 1, x]), int(plane[y - 1, x - 1])
            out[y, x] = [None, Ra, Rb, Rc, Ra + Rb - Rc, Ra + (Rb - Rc) // 2, Rb + (Ra - Rc) // 2, (Ra + Rb) // 2][Ss]
    return out


def differences(plane, Ss, bits, first_lines):
    """Modulo 2^16, as -32767..32768."""
    return (plane.astype(int) - predictions(plane, Ss, bits, first_lines) + 32767) % 65536 - 32767


def kind_of(difference, L, U):
    """0, then small and large ones of either sign (F.1.4.4.1.2)."""
    size = abs(difference)
    if size == 0 or L > 0 and size <= 1 << L - 1:
        return 0
    return 1 + (difference < 0) + 2 * (size > 1 << U)


def decisions_of(difference, S0, X1):
    """(bin, decision) of Table H.3."""
    yield S0, difference != 0
    if difference:
        Sz = abs(difference) - 1
        yield S0 + 1, difference < 0
        yield S0 + 2 + (difference < 0), Sz > 0
        size = Sz.bit_length()
        for i in range(size):
            yield X1 + i, i < size - 1
        for bit in reversed(range(size - 1)):
            yield X1 + size - 1 + 14, Sz >> bit & 1


class ByHand:
    """A lossless file of random samples (`planes`): any sampling factors and scans, Huffman or arithmetic coded."""

    def __init__(
        self,
        height,
        width,
        factors,
        *,
        arithmetic=False,
        bits=8,
        Ss=4,
        Pt=0,
        scans=None,
        restart_rows=0,
        bounds=(0, 1),
        seed=0,
        ids=b"\1\2\3\4",
    ):
        self.Ss = Ss
        self.bits = bits - Pt
        self.arithmetic = arithmetic
        self.bounds = bounds
        self.restart_rows = restart_rows
        rng = np.random.default_rng(seed)
        components = tuple(markers.FrameComponent(ids[i], H, V, 0) for i, (H, V) in enumerate(factors))
        self.frame = markers.Frame(markers.SOF11 if arithmetic else markers.SOF3, bits, height, width, components)
        self.planes = [
            rng.integers(0, 1 << bits - Pt, self.frame.blocks(c)) // (1 + 2 * (i % 2)) for i, c in enumerate(components)
        ]
        chunks = [b"\xff\xd8", markers.write_frame(self.frame)]
        if arithmetic and bounds != (0, 1):
            chunks.append(markers.write_conditioning({(0, i): bounds for i in range(4)}))
        for which in scans or [tuple(range(len(factors)))]:
            mcus = self.frame.mcus if len(which) > 1 else self.frame.blocks(components[which[0]])
            chunks.append(markers.write_restart_interval(restart_rows * mcus[1]))
            tables, body = self.scan(which, mcus)
            chunks += [
                tables,
                markers.write_scan(
                    markers.Scan(tuple(markers.ScanComponent(ids[i], i, 0) for i in which), Ss, 0, 0, Pt)
                ),
                body,
            ]
        self.data = b"".join((*chunks, b"\xff\xd9"))

    def scan(self, which, mcus):
        """DHT and entropy-coded data. Zeros pad the last MCUs and are predicted from like other samples."""
        sampling = [
            (self.frame.components[i].H, self.frame.components[i].V) if len(which) > 1 else (1, 1) for i in which
        ]
        planes, diffs = [], []
        rows = self.restart_rows or mcus[0]
        for i, (H, V) in zip(which, sampling):
            plane = np.zeros((mcus[0] * V, mcus[1] * H), int)
            plane[: self.planes[i].shape[0], : self.planes[i].shape[1]] = self.planes[i]
            planes.append(plane)
            diffs.append(differences(plane, self.Ss, self.bits, {y * V for y in range(0, mcus[0], rows)}))
        order = [
            [
                (c, my * V + v, mx * H + h)
                for my in range(start, min(start + rows, mcus[0]))
                for mx in range(mcus[1])
                for c, (H, V) in enumerate(sampling)
                for v in range(V)
                for h in range(H)
            ]
            for start in range(0, mcus[0], rows)
        ]
        if self.arithmetic:
            return b"", self.join(self.arith(diffs, interval, which) for interval in order)
        size = [np.array([[int(d).bit_length() for d in row] for row in np.abs(diff)]) for diff in diffs]
        codes = [optimal_huffman(np.bincount(s.reshape(-1), minlength=256)) for s in size]
        tables = [code_table(*table) for table in codes]
        parts = []
        for interval in order:
            values, lengths = [], []
            for c, y, x in interval:
                d, n = int(diffs[c][y, x]), int(size[c][y, x])
                extra = n % 16
                values += [tables[c][n][0], (d - (d < 0)) & (1 << extra) - 1]
                lengths += [tables[c][n][1], extra]
            parts.append(pack_bits(values, lengths))
        return markers.write_huffman_tables([(0, i, *table) for i, table in zip(which, codes)]), self.join(parts)

    def arith(self, diffs, interval, which):
        """All components share their statistics here: encode_decisions has 256 bins, and 158 are one area."""
        bins, decisions, first = [], [], min(y for c, y, x in interval if c == 0)
        V0 = self.frame.components[which[0]].V if len(which) > 1 else 1
        for c, y, x in interval:
            V = self.frame.components[which[c]].V if len(which) > 1 else 1
            top = first // V0 * V
            Da = kind_of(int(diffs[c][y, x - 1]), *self.bounds) if x else 0
            Db = kind_of(int(diffs[c][y - 1, x]), *self.bounds) if y > top else 0
            for S, D in decisions_of(int(diffs[c][y, x]), 4 * (5 * Da + Db), 129 if Db > 2 else 100):
                bins.append(S)
                decisions.append(D)
        return encode_decisions(decisions, bins)

    @staticmethod
    def join(parts):
        parts = list(parts)
        return b"".join(
            part + (bytes((0xFF, 0xD0 + i % 8)) if i < len(parts) - 1 else b"") for i, part in enumerate(parts)
        )

    @property
    def pixels(self):
        """Samples repeated to the size of the picture."""
        Y, X, Hmax, Vmax = self.frame.Y, self.frame.X, self.frame.Hmax, self.frame.Vmax
        full = [
            plane[np.arange(Y) * c.V // Vmax][:, np.arange(X) * c.H // Hmax]
            for c, plane in zip(self.frame.components, self.planes)
        ]
        return (np.stack(full, -1) if len(full) > 1 else full[0]) << self.frame.P - self.bits


EACH = [(0,), (1,), (2,)]


@pytest.mark.parametrize(
    "factors, scans",
    [
        (((1, 1),), None),
        (((2, 3),), None),
        (((1, 1),) * 3, None),
        (((1, 1),) * 3, EACH),
        (((2, 2), (1, 1), (1, 1)), None),
        (((2, 2), (1, 1), (1, 1)), EACH),
        (((1, 1), (2, 1), (1, 2)), None),
        (((4, 1), (1, 2), (2, 1)), None),
        (((3, 1), (1, 1), (1, 1)), [(0,), (1, 2)]),
    ],
)
@pytest.mark.parametrize("Ss", [1, 4, 5, 6, 7])
def test_any_sampling_and_order(factors, scans, Ss):
    for height, width in ((1, 1), (7, 10), (12, 5)):
        for restart_rows in (0, 1, 2):
            made = ByHand(height, width, factors, Ss=Ss, scans=scans, restart_rows=restart_rows, ids=b"RGB")
            np.testing.assert_array_equal(decode(made.data), made.pixels)


@pytest.mark.parametrize("bits, Pt", [(2, 0), (8, 0), (8, 3), (12, 1), (16, 0), (16, 15)])
@pytest.mark.parametrize("bounds", [(0, 1), (0, 0), (2, 5), (15, 15)])
def test_arithmetic_coding(bits, Pt, bounds):
    for restart_rows in (0, 3):
        for factors in (((1, 1),), ((2, 2),)):
            made = ByHand(
                11, 9, factors, arithmetic=True, bits=bits, Pt=Pt, bounds=bounds, restart_rows=restart_rows, Ss=5
            )
            np.testing.assert_array_equal(decode(made.data), made.pixels)


@pytest.mark.parametrize("factors", [((1, 1),) * 3, ((2, 2), (1, 1), (1, 1)), ((1, 1), (2, 1), (1, 2))])
def test_arithmetic_coding_of_colour(factors):
    for restart_rows in (0, 2):
        made = ByHand(10, 13, factors, arithmetic=True, scans=EACH, restart_rows=restart_rows, ids=b"RGB")
        np.testing.assert_array_equal(decode(made.data), made.pixels)


class SharedStatistics(ByHand):
    """Interleaved components that all use destination 0 and so share statistics; each
    conditions on its own differences."""

    def __init__(self, *args, **options):
        super().__init__(*args, arithmetic=True, **options)
        at = self.data.index(b"\xff\xda") + 5
        changed = bytearray(self.data)
        for i in range(len(self.frame.components)):
            changed[at + 2 * i + 1] = 0
        self.data = bytes(changed)


@pytest.mark.parametrize("factors", [((1, 1),) * 3, ((2, 2), (1, 1), (1, 1)), ((1, 1), (2, 1), (1, 2))])
def test_arithmetic_coding_of_interleaved_colour(factors):
    for restart_rows in (0, 1):
        made = SharedStatistics(9, 10, factors, restart_rows=restart_rows, ids=b"RGB", Ss=7)
        np.testing.assert_array_equal(decode(made.data), made.pixels)


def test_four_components():
    made = ByHand(5, 6, ((1, 1),) * 4)
    np.testing.assert_array_equal(decode(made.data), 255 - made.pixels)  # CMYK, inverted as Adobe writes it


@pytest.mark.parametrize("bits", [5, 8, 12, 16])
def test_a_marker_may_call_it_ycbcr(bits):
    """T.871 through floating point."""
    made = ByHand(9, 9, ((1, 1),) * 3, bits=bits)
    assert codec.probe(made.data).color == "rgb"
    jfif = made.data[:2] + markers.write_segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0") + made.data[2:]
    centre, top = 1 << bits - 1, (1 << bits) - 1
    y, cb, cr = np.moveaxis(made.pixels - np.array([0, centre, centre]), -1, 0)
    rgb = np.stack((y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb), -1).clip(0, top)
    assert np.abs(decode(jfif) - rgb).max() < 1 + top / 65536


# ---------------------------------------------------------------- damage


def test_what_the_headers_may_not_say(picture):
    coded = encode_lossless(picture(6, 7, 1)).data
    at = coded.index(b"\xff\xda")
    for offset, value, why in (
        (7, 0, "predictor 0"),
        (7, 8, "predictor 8"),
        (9, 8, "point transform by 8 bits of samples of 8"),
    ):
        broken = bytearray(coded)
        broken[at + offset] = value
        for on_error in ("raise", "conceal"):
            with pytest.raises(BitstreamError, match=why):
                decode(bytes(broken), on_error=on_error)
    with pytest.raises(BitstreamError, match="whole rows of 7.*H.1.1"):
        decode(coded[:at] + markers.write_restart_interval(10) + coded[at:])
    with pytest.raises(BitstreamError, match="no DHT segment defines DC table 0"):
        decode(coded.replace(b"\xff\xc4", b"\xff\xe9"))


def test_samples_beyond_their_precision():
    wide = encode_lossless(np.array([[0, 255, 0, 7]], np.uint8)).data
    at = wide.index(b"\xff\xc3")
    narrow = wide[: at + 4] + b"\4" + wide[at + 5 :]
    with pytest.raises(BitstreamError, match="a sample beyond its precision, at MCU 0 of 4"):
        decode(narrow)


@pytest.mark.parametrize("arithmetic", [False, True])
def test_data_that_breaks_off(arithmetic):
    made = ByHand(40, 30, ((1, 1),), arithmetic=arithmetic, restart_rows=10)
    for size in (len(made.data) - 40, len(made.data) // 2):
        with pytest.raises(TruncatedError):
            decode(made.data[:size])
        result = codec.jpeg.decode(made.data[:size], on_error="conceal")
        good = ~result.damage.mask
        assert 0 < good.sum() < good.size
        np.testing.assert_array_equal(result.pixels[good], made.pixels[good])


def test_lost_samples_repeat_those_above():
    made = ByHand(12, 8, ((1, 1),), restart_rows=4)
    marks = [i for i in range(len(made.data) - 1) if made.data[i] == 0xFF and 0xD0 <= made.data[i + 1] <= 0xD7]
    result = codec.jpeg.decode(made.data[: marks[0]] + made.data[marks[1] :], on_error="conceal")
    assert result.damage.mask[4:8].all() and result.damage.mcus_lost == 32
    np.testing.assert_array_equal(result.pixels[4:8], np.repeat(made.pixels[3:4], 4, 0))
    np.testing.assert_array_equal(result.pixels[8:], made.pixels[8:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", codec.DamageWarning)
        assert decode(made.data[: marks[0]], on_error="conceal").shape == (12, 8)


def test_pillow_images_are_their_colours():
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)).quantize(9)
    assert np.array_equal(codec.decode(codec.jpeg.encode_lossless(image).data), np.asarray(image.convert("RGB")))
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    assert np.array_equal(codec.decode(codec.jpeg.encode_lossless(Image.fromarray(deep)).data), deep)
    with pytest.raises(ParameterError, match=r"convert\('RGB'\)"):
        codec.jpeg.encode_lossless(Image.new("RGBA", (4, 4)))
