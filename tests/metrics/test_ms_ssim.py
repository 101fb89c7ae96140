"""MS-SSIM and the named presets of SSIM, against plain float64 versions."""

import os
from fractions import Fraction

import numpy as np
import pytest

from codec import cpu
from codec.errors import ParameterError
from codec.metrics import ms_ssim, ssim, ssim_map, ssim_y
from codec.rd.memory import peak_memory

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SINGLE = 1e-7  # largest effect on a mean of single precision, in which integer samples are scored


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:187, :213]
    a = np.clip(120 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7) + rng.normal(0, 4, x.shape), 0, 255)
    b = np.clip(a + rng.normal(0, 12, a.shape), 0, 255)
    return a.round().astype(np.uint8), b.round().astype(np.uint8)


def valid_blur(p):
    x = np.arange(11) - 5
    w = np.exp(-x * x / 4.5)
    w /= w.sum()
    for axis in (0, 1):
        p = np.apply_along_axis(np.convolve, axis, p, w, "valid")
    return p


def parts(a, b, L=255):
    """Mean SSIM and mean contrast-structure by the formulas of 2004."""
    ma, mb = valid_blur(a), valid_blur(b)
    va, vb, cov = valid_blur(a * a) - ma * ma, valid_blur(b * b) - mb * mb, valid_blur(a * b) - ma * mb
    C1, C2 = (0.01 * L) ** 2, (0.03 * L) ** 2
    cs = (2 * cov + C2) / (va + vb + C2)
    return ((2 * ma * mb + C1) / (ma**2 + mb**2 + C1) * cs).mean(), cs.mean()


def naive_ms_ssim(a, b):
    a, b, product = a.astype(float), b.astype(float), 1.0
    for scale, weight in enumerate(WEIGHTS):
        whole, cs = parts(a, b)
        product *= max(0, whole if scale == 4 else cs) ** weight
        a, b = (np.pad(p, ((0, p.shape[0] & 1), (0, p.shape[1] & 1)), mode="edge") for p in (a, b))
        a, b = ((p[::2, ::2] + p[::2, 1::2] + p[1::2, ::2] + p[1::2, 1::2]) / 4 for p in (a, b))
    return product


def test_ms_ssim_is_its_definition(pictures):
    assert ms_ssim(*pictures) == pytest.approx(naive_ms_ssim(*pictures), abs=SINGLE)


@pytest.mark.parametrize("dtype, top", [(np.uint16, 65535), (np.float32, 1.0), (np.float64, 1.0)])
def test_ms_ssim_of_other_dtypes(pictures, dtype, top):
    a, b = ((p / 255 * top).astype(dtype) if top == 1 else p.astype(dtype) * 257 for p in pictures)
    assert ms_ssim(a, b, data_range=top) == pytest.approx(ms_ssim(*pictures), abs=1e-6)


@pytest.mark.parametrize("shape", [(192, 161), (193, 170), (256, 165), (257, 162), (331, 171), (363, 164, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_the_bands_that_scales_are_walked_in_do_not_show(shape, dtype):
    """Heights whose last band, at some scale, is complete, one row short, or a single row; strides of either sign."""
    rng = np.random.default_rng(3)
    a = rng.integers(0, 256, shape)
    b = np.clip(a + rng.integers(-40, 41, shape), 0, 255)
    planes = [(a, b)] if len(shape) == 2 else [(a[..., c], b[..., c]) for c in range(3)]
    expected = np.mean([naive_ms_ssim(*pair) for pair in planes])
    within = SINGLE if dtype is np.uint8 else 1e-9  # scales of uint16 use double precision
    unit, top = (257, 65535) if dtype is np.uint16 else (1, 255)
    a, b = ((p * unit).astype(dtype) for p in (a, b))
    assert ms_ssim(a, b, data_range=top) == pytest.approx(expected, abs=within)
    assert ms_ssim(a[::-1, ::-1], b[::-1, ::-1], data_range=top) == pytest.approx(naive_flipped(planes), abs=within)
    assert ms_ssim(a, a, data_range=top) == 1


def naive_flipped(planes):
    return np.mean([naive_ms_ssim(a[::-1, ::-1], b[::-1, ::-1]) for a, b in planes])


@pytest.mark.skipif(
    os.environ.get("CODEC_DEBUG") == "1",
    reason="the sanitizer keeps memory that was given back, to see who still uses it",
)
@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the system does not tell")
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_memory_does_not_grow_with_the_height(dtype):
    a = np.random.default_rng(1).integers(0, 256, (12000, 1000), np.uint8).astype(dtype)
    b = a[::-1].copy()
    ms_ssim(a[:200], b[:200], data_range=255)
    peak = peak_memory(lambda: ms_ssim(a, b, data_range=255))
    if peak is None:
        pytest.skip("the system does not let a process reset its own mark")
    assert peak < 4 << 20


def test_ms_ssim_needs_a_window_on_its_coarsest_scale():
    assert ms_ssim(np.zeros((161, 161), np.uint8), np.zeros((161, 161), np.uint8)) == 1
    with pytest.raises(ParameterError, match="at least 161 x 161"):
        ms_ssim(np.zeros((160, 400), np.uint8), np.zeros((160, 400), np.uint8))


def test_ms_ssim_of_opposites_is_not_negative(pictures):
    a, _ = pictures
    assert ms_ssim(a, 255 - a) == 0


def test_ms_ssim_of_colour_is_the_mean_of_channels(pictures):
    a, b = pictures
    pair = np.dstack([a, b, a]), np.dstack([b, a, a])
    assert ms_ssim(*pair) == pytest.approx((2 * ms_ssim(a, b) + 1) / 3, abs=1e-12)


def test_preset_skimage_is_what_scikit_image_computes_by_default(pictures):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    a, b = pictures
    assert ssim(a, b, preset="skimage") == pytest.approx(metrics.structural_similarity(a, b), abs=SINGLE)
    color = np.dstack([a, b, a]), np.dstack([b, b, a])
    assert ssim(*color, preset="skimage") == pytest.approx(
        metrics.structural_similarity(*color, channel_axis=-1), abs=SINGLE
    )


def test_an_unknown_preset_is_refused(pictures):
    with pytest.raises(ParameterError, match="preset must be one of 'wang2004', 'skimage', 'ffmpeg'"):
        ssim(*pictures, preset="matlab")


@pytest.mark.parametrize("preset, taps", [("wang2004", 11), ("skimage", 7)])
def test_the_mean_of_the_map_is_the_score(pictures, preset, taps):
    a, b = pictures
    scores = ssim_map(a, b, preset=preset)
    assert scores.shape == (a.shape[0] - taps + 1, a.shape[1] - taps + 1)
    assert scores.mean() == pytest.approx(ssim(a, b, preset=preset), abs=SINGLE)
    color = ssim_map(np.dstack([a, b, a]), np.dstack([b, b, a]), preset=preset)
    assert color.shape == (*scores.shape, 3) and np.array_equal(color[..., 0], scores) and (color[..., 1:] == 1).all()


@pytest.mark.parametrize("metric", [ssim, ms_ssim, ssim_map])
def test_every_cpu_level_gives_the_same_bits(metric, pictures):
    with cpu.force("scalar"):
        scalar = metric(*pictures)
    assert np.array_equal(metric(*pictures), scalar)


def test_preset_ffmpeg_is_its_definition_window_by_window(pictures):
    a, b = (p[:30, :43].astype(float) for p in pictures)
    C1, C2 = int(0.01**2 * 255**2 * 64 + 0.5) / 64, int(0.03**2 * 255**2 * 64 * 63 + 0.5) / (64 * 63)
    scores = []
    for y in range(0, 30 // 4 * 4 - 4, 4):
        for x in range(0, 43 // 4 * 4 - 4, 4):
            p, q = a[y : y + 8, x : x + 8], b[y : y + 8, x : x + 8]
            cov = ((p - p.mean()) * (q - q.mean())).sum() / 63
            scores.append(
                (2 * p.mean() * q.mean() + C1 / 64)
                / (p.mean() ** 2 + q.mean() ** 2 + C1 / 64)
                * (2 * cov + C2)
                / (p.var(ddof=1) + q.var(ddof=1) + C2)
            )
    small = [p[:30, :43] for p in pictures]
    assert ssim(*small, preset="ffmpeg") == pytest.approx(np.mean(scores), abs=1e-9)
    assert ssim_map(*small, preset="ffmpeg").shape == (6, 9)
    with pytest.raises(ParameterError, match="integer samples"):
        ssim(a / 255, b / 255, data_range=1.0, preset="ffmpeg")


def test_preset_ffmpeg_is_what_ffmpeg_reports(pictures, tmp_path):
    av = pytest.importorskip("av", reason="PyAV is not installed: FFmpeg's own filter is not asked")
    graph = av.filter.Graph()
    height, width = pictures[0].shape[0] // 2 * 2, pictures[0].shape[1] // 2 * 2
    sources = [graph.add_buffer(width=width, height=height, format="gray", time_base="1/25") for _ in pictures]
    log = tmp_path / "ssim.txt"
    judge, sink = graph.add("ssim", f"stats_file={log}"), graph.add("buffersink")
    sources[0].link_to(judge, 0, 0)
    sources[1].link_to(judge, 0, 1)
    judge.link_to(sink)
    graph.configure()
    for source, picture in zip(sources, pictures):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="gray")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        source.push(frame)
        source.push(None)
    sink.pull()
    del graph, judge, sink, sources
    reported = float(log.read_text().split("All:")[1].split()[0])
    assert ssim(*(p[:height, :width] for p in pictures), preset="ffmpeg") == pytest.approx(reported, abs=2e-6)


def test_ssim_of_luma(pictures):
    a, b = pictures
    pair = np.dstack([a, b, a]), np.dstack([b, b, a])
    luma = [p @ np.array([0.299, 0.587, 0.114]) for p in pair]
    assert ssim_y(*pair) == ssim(*luma, data_range=255) and ssim_y(a, b) == ssim(a, b)
