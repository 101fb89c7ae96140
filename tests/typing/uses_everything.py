"""Every public name in use, with the type that comes out. Runs as a program (argument: an empty folder), and
`mypy --strict` accepts it."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import codec
from codec import _core, _pixel, batch, cpu, h264, jpeg, metrics, palette, quantizers, rd, registry
from codec.batch.check import Checked, check
from codec.compat import cv2, pillow
from codec.frame import Video

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value, kind):
        return value


RNG = np.random.default_rng(0)
IMAGE = np.kron(RNG.integers(0, 256, (24, 24, 3)), np.ones((8, 8, 1), int)).astype(np.uint8)
GRAY = IMAGE[..., 0]
Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def front_door(folder: Path) -> None:
    data = codec.encode(IMAGE, 60, subsampling="4:2:0", effort=2, tune="ssim")
    assert_type(data, bytes)
    image = codec.decode(data, on_error="conceal", limits=codec.Limits(pixels=1 << 20), threads=2)
    assert_type(image, Samples)
    part = codec.decode(data, scale=Fraction(1, 2), region=(0, 0, 9, 9), color="gray", out=np.empty((9, 9), np.uint8))
    assert_type(part, Samples)
    assert_type(codec.decode_planes(data), codec.Frame)
    for file in codec.encode_many([IMAGE, GRAY], 60, errors="return", effort=1, threads=2):
        assert_type(file, bytes | codec.CodecError)
    for pixels in codec.decode_many([data, io.BytesIO(data)], errors="return", threads=1, scale=0.25):
        assert_type(pixels, Samples | codec.CodecError)
    info = codec.probe(io.BytesIO(data))
    assert_type(info, jpeg.ImageInfo)
    path = folder / "a.jpg"
    codec.write(path, image, quality=75, progressive=False, metadata=jpeg.Metadata(comments=(b"hello",)))
    assert_type(codec.read(path), Samples)
    assert_type(codec.__version__, str)
    moving = codec.animate((pixels for pixels in (GRAY, IMAGE)), width=96, strip=True)
    assert_type((moving.kept, moving.below), tuple[bool, tuple[int, ...]])
    assert_type(codec.animate([path, IMAGE, io.BytesIO(data)]).frames, int)
    animation = codec.animate([b"P5 2 1 255\n" + bytes(pair) for pair in ([0, 9], [9, 0])], fps=10, colors=16)
    assert_type(animation, palette.Animation)
    quantized = codec.quantize_colors(IMAGE, 16, dither=None, space="srgb", importance="contrast")
    assert_type(quantized.indices, npt.NDArray[np.uint8])
    quantizer = codec.PaletteQuantizer(16, method="wu").fit([IMAGE, GRAY])
    assert_type(quantizer.palette_, npt.NDArray[np.uint8])
    assert_type(quantizer.predict(IMAGE).image(), npt.NDArray[np.uint8])


def errors() -> None:
    try:
        codec.decode(b"\xff\xd8\xff\xfe\0\1..")
    except codec.BitstreamError as error:
        assert_type(error.offset, int | None)
        assert_type((error.reason, error.layer, error.clause), tuple[str, str, str])
    kinds: list[type[codec.CodecError]] = [
        codec.TruncatedError,
        codec.UnsupportedError,
        codec.LimitError,
        codec.ParameterError,
        codec.FileError,
        codec.MissingPackageError,
        codec.PeerError,
    ]
    warning: type[Warning] = codec.DamageWarning
    assert all(issubclass(kind, codec.CodecError) for kind in kinds) and issubclass(warning, UserWarning)


def pictures() -> None:
    options = jpeg.EncodeOptions(quality=80, threads=2, quant_tables=jpeg.QuantTables([16] * 64, np.full((8, 8), 20)))
    assert options.quant_tables is not None
    assert_type(options.quant_tables.chrominance, tuple[int, ...])
    assert_type(jpeg.QuantTables.for_quality(75, "psnr").to_json(), dict[str, Any])
    encoded: jpeg.EncodedImage = jpeg.encode(IMAGE, target="size:8kB", effort=1)
    assert_type(encoded.bits, dict[str, int])
    assert_type(encoded.block_bits, tuple[npt.NDArray[np.int32], ...])
    assert_type((encoded.size, encoded.bpp, encoded.achieved), tuple[int, float, float | None])
    decoded: jpeg.DecodedImage = jpeg.decode(encoded.data)
    assert_type(jpeg.decode_planes(encoded.data).chroma, str)
    assert_type(decoded.pixels, Samples)
    damage: jpeg.Damage | None = decoded.damage
    assert damage is None or damage.report
    info: jpeg.ImageInfo = jpeg.probe(encoded.data)
    assert_type((info.subsampling, info.components[0].Tq, info.to_json()), tuple[str, int, dict[str, Any]])
    assert_type(jpeg.inspect(encoded.data), dict[str, Any])
    lossless: jpeg.LosslessImage = jpeg.encode_lossless(GRAY, predictor=4)
    assert_type(lossless.bpp, float)
    coefficients: jpeg.Coefficients = jpeg.read_coefficients(encoded.data)
    assert_type(coefficients.levels, tuple[npt.NDArray[np.int16], ...])
    assert_type(coefficients.same_levels(coefficients), bool)
    assert_type(jpeg.write_coefficients(coefficients, progressive=False), bytes)
    assert_type(jpeg.requantize(coefficients, quality=40).matrices, tuple[npt.NDArray[np.uint16], ...])
    transcoded: jpeg.Transcoded = jpeg.transcode(encoded.data, rotate=90, metadata=["icc"], crop=(0, 0, 32, 32))
    assert_type(
        (transcoded.data, transcoded.after, transcoded.crop), tuple[bytes, int, tuple[int, int, int, int] | None]
    )
    estimate: jpeg.QualityEstimate = jpeg.estimate_quality(coefficients.matrices[0])
    assert_type(estimate.quality, int)
    assert_type(jpeg.worse_generation(coefficients.matrices[0], jpeg.QuantTables.ijg(90)), bool)


def videos() -> None:
    stream = bytes.fromhex("000001 6764001face805005b90")  # a sequence parameter set: 1280x720, High
    info: h264.VideoInfo = h264.probe(stream)
    assert_type((info.width, info.fps, info.sample_aspect_ratio), tuple[int, Fraction | None, tuple[int, int]])
    assert_type(h264.inspect(stream), dict[str, Any])
    decoder = h264.Decoder(on_error="conceal", threads=1)
    assert_type(decoder.feed(stream, timestamp=Fraction(1, 25), complete=True), list[codec.Frame])
    assert_type(decoder.flush(), list[codec.Frame])
    with contextlib.suppress(codec.BitstreamError):  # there is no picture
        for frame in h264.decode_video([stream], side_data=True, x264_build=148):
            assert_type((frame.planes, frame.rotation), tuple[tuple[Samples, ...], int])
    with contextlib.suppress(codec.TruncatedError):
        for frame in codec.decode_video([]):
            assert_type(frame, codec.Frame)
    made = codec.Frame.from_rgb(IMAGE, chroma="4:2:0")
    assert_type(codec.encode_video([made], fps=25, qp=30, preset="fast", tune="psnr", keyint=10, threads=1), bytes)
    assert_type(codec.encode_video([made], fps=25, scaling_matrix="jvt", slices=2, aud=True), bytes)
    assert_type(codec.encode_video([made], fps=25, lossless=True, open_gop=True, settings_sei=False), bytes)
    assert_type(codec.encode_video([made], fps=25, psy_rd=0.5), bytes)
    written = codec.write_video("clip.h264", [IMAGE], fps="25/2", keyint=5, progress=print, metrics="ssim", audio=False)
    assert_type(written, h264.EncodedVideo)
    assert_type(written[0], h264.PictureInfo)
    assert_type(written.psnr, tuple[float, ...] | None)
    told = h264.encode_frames([IMAGE], fps=5, metrics=("psnr", "ssim"), reconstruction=True, side_data=True, qp=30)
    assert_type(told.data, bytes)
    assert_type(told.pictures[0].reconstruction, codec.Frame | None)
    for shown in codec.decode_video(told.data, side_data=True):
        assert_type(h264.overlay(shown, ("type", "mv"), scale=1), npt.NDArray[np.uint8])
        assert shown.side_data is not None
        assert_type(h264.MB_TYPES[h264.mb_types(shown.side_data)[0, 0]], str)
    with h264.Encoder(fps=25, crf=20, threads=1, metrics="psnr", sample_aspect_ratio=(4, 3)) as encoder:
        coded = encoder.encode(IMAGE)
        assert_type(coded, list[h264.EncodedPicture])
        coded += encoder.flush()
        assert_type(coded[0].data, bytes)
    assert_type((told.pictures[0].type, told[0].bits), tuple[str, int])
    assert_type(h264.encode_video([IMAGE], fps=5, bitrate=1e6, passes=2), bytes)
    assert_type(codec.encode_video([IMAGE], fps=5, target="size:5MB", level="4.1"), bytes)
    assert_type(codec.encode_video([IMAGE], fps=5, vbv_maxrate=1e6, vbv_bufsize=2e6), bytes)
    assert_type(h264.encode_frames([IMAGE], fps=5, target="ssim:0.9").tries, tuple[tuple[float, float], ...])
    h264.write_video("clip.h264", [IMAGE], fps=5)
    assert_type(codec.encode_video(iter([IMAGE]), fps=Fraction(30000, 1001), crf=23.5), bytes)
    assert_type(made.to_rgb(), Samples)
    assert_type(made.damage, codec.frame.Damage | None)
    assert_type((made.width, codec.Frame.from_yuv420(bytes(6), 2, 2).height), tuple[int, int])


def scores() -> None:
    noisy = IMAGE ^ 3
    assert_type(metrics.mse(IMAGE, noisy), float)
    for by_range in (metrics.psnr, metrics.ms_ssim, metrics.psnr_hvs_m, metrics.ciede2000, metrics.psnr_y):
        assert_type(by_range(IMAGE, noisy, data_range=255), float)
    presets: list[metrics.SsimPreset] = [metrics.wang2004, metrics.skimage, metrics.ffmpeg]
    assert_type(presets[0].weights, npt.NDArray[np.float64])
    assert_type(metrics.ssim(IMAGE, noisy, preset="skimage"), float)
    assert_type(metrics.ssim_y(IMAGE, noisy, preset=metrics.skimage), float)
    assert_type(metrics.ssim_map(IMAGE, noisy), npt.NDArray[np.float64])
    assert_type(metrics.psnr_ycbcr(IMAGE, noisy), dict[str, float])
    assert_type(metrics.ssimulacra2(IMAGE, noisy), float)
    assert_type(metrics.ssimulacra2_gradient(IMAGE, noisy), tuple[float, npt.NDArray[np.float32]])
    assert_type(metrics.by_name("ssim")(IMAGE, noisy), float)
    found: metrics.VideoScores = metrics.video([IMAGE] * 3, [noisy] * 3, metrics="psnr")
    frames = [codec.Frame.from_rgb(IMAGE)] * 3
    assert_type(metrics.video(frames, frames, metrics="psnr_y", bit_depth=16, max_offset=4), metrics.VideoScores)
    assert_type(found.frames, dict[str, npt.NDArray[np.float64]])
    assert_type(found.pooled, dict[str, dict[str, float]])


def palettes(folder: Path) -> None:
    quantized: palette.Quantized = palette.quantize_colors(IMAGE, 8, palette=["#000000", "#ffffff"])
    assert_type(
        (quantized.counts, quantized.mse, quantized.error_map()),
        tuple[npt.NDArray[np.int64], float, npt.NDArray[np.float64]],
    )
    assert palette.PaletteQuantizer is codec.PaletteQuantizer
    png: palette.Png = palette.write_png(IMAGE, folder / "a.png", colors=4, dither="bayer")
    assert_type(png.result, palette.Quantized)
    assert_type(palette.write_png(quantized, density=(1, 72, 72)).size, int)
    clip = Video(((GRAY,), (GRAY,)), "4:0:0", Fraction(25))
    animation: palette.Animation = palette.animate(clip, folder / "a.gif", lossy=0, loops=None)
    assert_type(
        (animation.seconds, palette.animate([GRAY, GRAY ^ 255], seconds=[0.5, Fraction(1, 4)]).warnings),
        tuple[Fraction, tuple[str, ...]],
    )
    codebook: quantizers.vector.Codebook = quantizers.vector.train([GRAY], 16, block=(4, 4))
    assert_type(codebook.decode(codebook.encode(GRAY), (192, 192)), npt.NDArray[np.uint8])
    assert_type(codebook.bits_per_pixel, float)
    most = quantizers.kmeans.MOST_COORDINATE, quantizers.kmeans.MOST_DIMENSIONS, quantizers.kmeans.MOST_SQUARED_DISTANCE
    assert_type(most, tuple[int, int, int])
    clusters: quantizers.kmeans.Clusters = quantizers.kmeans.cluster([[1, 1], [3, 1], [90, 90]], 2, seeds="plus-plus")
    assert_type(clusters.centres, npt.NDArray[np.float32])
    assert_type(quantizers.kmeans.nearest([[1, 1]], clusters.centres), npt.NDArray[np.int32])
    scalar_quantizers()
    boxes = quantizers.kmeans.variance_cut(clusters.centres, np.ones(2), 2)
    assert_type(boxes, npt.NDArray[np.int32])


def scalar_quantizers() -> None:
    x = [[-1.5, 0.25], [0.5, 2.0]]
    codes = quantizers.quantize(x, [0.1, 0.2], axis=0, convention="torch-channel", rounding="half-up")
    assert_type(quantizers.dequantize(codes, [0.1, 0.2], axis=0), npt.NDArray[np.float32])
    affine: quantizers.Affine = quantizers.Affine("uint8", axis=-1, block=2).fit(x)
    assert_type(affine.scale, npt.NDArray[np.float32])
    kinds: list[quantizers.Quantizer] = [
        quantizers.Uniform(4, kind="mid-rise"),
        quantizers.DeadZone(0.5, 1 / 6),
        quantizers.FixedPoint(2, 5, overflow="wrap"),
        quantizers.LloydMax(3, density="laplace"),
        quantizers.EntropyCoded(rate=1.5),
        quantizers.Compander("mu", bits=6),
        quantizers.G711("a", variant="ffmpeg"),
        quantizers.Float8("e5m2", overflow="nan"),
        quantizers.Dithered(quantizers.Uniform(4), "subtractive", seed=7),
    ]
    for quantizer in kinds:
        again = quantizers.Quantizer.from_json(quantizer.fit(x).to_json())
        assert_type(again.transform(x), npt.NDArray[Any])
        assert_type((again.code_range, again.bits, again.step), tuple[tuple[int, int], int, float | None])
    y, mask = quantizers.fake_quantize(x, 0.1)
    assert_type(mask, npt.NDArray[np.bool_])
    assert_type(quantizers.lsq_gradient(y, x, 0.1)[1], npt.NDArray[np.float64])
    trellis: jpeg.TrellisQuantizer = jpeg.TrellisQuantizer([16] * 64, weight=9.0, scale=1, passes=2)
    assert_type(trellis.encode(np.zeros((2, 64), np.int16)), npt.NDArray[np.int16])
    learn = quantizers.torch_fake_quantize
    assert callable(learn)


def stages() -> None:
    block = _pixel.rgb_to_ycc(IMAGE[:8, :8])[..., 0].reshape(1, 64).astype(int) - 128
    coefficients = _core.fdct(block)
    assert_type(coefficients, npt.NDArray[np.int16])
    levels = _core.quantize(coefficients, jpeg.QuantTables.ijg(75).luminance)
    assert_type(_core.idct(_core.dequantize(levels, [16] * 64)), npt.NDArray[np.int32])
    assert_type(_core.optimal_huffman([5, 1, 1] + [0] * 253), tuple[list[int], list[int]])
    assert_type(_core.unpack_bits(_core.pack_bits([5], [3]), [3]), npt.NDArray[np.uint32])


def laboratory(folder: Path) -> None:
    pixels = folder / "a.pgm"
    pixels.write_bytes(b"P5 192 192 255\n" + GRAY.tobytes())
    failed: list[rd.Failure] = []
    sweep: rd.Sweep = rd.sweep(
        pixels, quality=(30, 50, 70, 90), effort=(1, 4), metrics="psnr", failed=failed.append, memory=False
    )
    points: list[rd.Point] = rd.write_points(folder / "rows.jsonl", sweep)
    assert_type((sweep.reused, sweep.failures, sweep.total), tuple[list[rd.Point], list[rd.Failure], int])
    assert_type((points[0].setting, points[0].rate, points[0].to_json()), tuple[dict[Any, Any], float, dict[str, Any]])
    with rd.RowFile(folder / "more.jsonl") as file:
        assert_type(file.append(points[0]), rd.Point)
    assert_type(rd.read_points(folder / "rows.jsonl"), list[rd.Point])
    assert_type(rd.read_records(folder / "rows.jsonl", problems=[]), list[rd.Point | rd.Failure])
    assert_type(rd.outstanding(points), list[rd.Failure])
    means: list[rd.Mean] = rd.means(points)
    assert_type(rd.averageable(points, "psnr"), tuple[list[rd.Point], list[str]])
    assert_type(rd.hull(means, "psnr"), list[rd.Mean])
    assert_type(rd.hull(points, "psnr"), list[rd.Point])
    assert_type(rd.pareto([(3, 10), (1, 5)]), list[int])
    assert_type(rd.families(means), dict[str, list[rd.Mean]])
    names = list(rd.families(points))
    assert_type(rd.family(points[0]), tuple[Any, ...])
    compared: dict[str, rd.Comparison] = rd.compare(points, "psnr", names[0], quantity="quality")
    assert_type((compared[names[1]].images, compared[names[1]].n), tuple[dict[str, rd.BDResult], int])
    anchor = [(0.25, 30.1), (0.5, 33.0), (1.0, 36.2), (2.0, 40.0)]
    delta: rd.BDResult = rd.bd_rate(anchor, anchor, method="akima")
    assert_type((delta.value, rd.bd_quality(anchor, anchor).reason), tuple[float | None, str])
    found: rd.Found = rd.find(IMAGE, "psnr:30", effort=1)
    assert_type((found.data, found.trials[0].score, found.bpp), tuple[bytes | list[bytes], float, float])
    speeds: list[rd.Speed] = rd.speeds(points, "psnr", names[0], of="decode")
    assert_type(rd.origins(points), str)
    assert_type(rd.report(points, folder / "report.html", pictures=0), str)
    try:
        rd.plot(points, folder / "rd.svg", metrics="psnr")
        rd.plot_speed(speeds, metric="psnr", anchor=names[0])
    except codec.MissingPackageError:
        print("the figures were left out: matplotlib is not installed")


def peers() -> None:
    ours: registry.Codec = registry.by_name("jpeg")
    assert_type(ours.parameters, Mapping[str, registry.Number | registry.Choice])
    assert_type(registry.codecs(), dict[str, registry.Codec])
    assert_type(registry.parse("jpeg:effort=1/9"), tuple[registry.Codec, dict[str, list[Any]]])
    assert_type(registry.numbers("20:95:5"), list[int | float])
    parameters = {"quality": registry.Number(75, 1, 100)}
    mine = registry.Codec("mine", codec.encode, codec.decode, parameters, version=lambda: "1.0")
    assert_type(registry.register(mine, replace=True), registry.Codec)
    choice = registry.Choice("fast", ("fast", "slow"))
    assert_type(
        (choice.parse("slow"), mine.setting(quality=3), mine.dial), tuple[list[Any], dict[str, Any], str | None]
    )


def machine() -> None:
    with cpu.force("scalar"):
        assert_type(
            (cpu.level(), cpu.level_index(), cpu.detected(), cpu.has("avx2"), cpu.kernels()),
            tuple[str, int, str, bool, dict[str, str]],
        )
    cpu.register({"mine": (0,)})


def calibration() -> None:
    observer = quantizers.Observer("mse", bits=4, symmetric=True)
    observer.update(iter([[1.0, 2.0], [3.0]]))
    observer.merge(quantizers.Observer("mse", bits=4, symmetric=True))
    assert_type((observer.total, observer.range()), tuple[int, tuple[float, float]])
    fit: quantizers.densities.Density = quantizers.densities.fit_density([1.0, 2.0, 4.0])
    assert_type(
        (fit.mean, fit.variance, fit.entropy, quantizers.shannon_bound(fit, 2)), tuple[float, float, float, float]
    )
    assert_type(quantizers.densities.Gaussian.fit([1, 2]), quantizers.densities.Gaussian)
    allocation: quantizers.Allocation = quantizers.allocate_bits([4, 1], 3, "greedy")
    assert_type(allocation.level, float)
    assert_type(quantizers.allocate_measured([[2, 1]], [[1, 2]], 2), npt.NDArray[np.int64])
    report: quantizers.Report = quantizers.analyse([1.0, 2.0], quantizers.Affine("int8").fit([1.0, 2.0]))
    assert_type((report.sqnr, report.gap, report.as_dict()), tuple[float, float | None, dict[str, Any]])
    ranked: list[quantizers.Recommendation] = quantizers.recommend([1.0, 2.0, 4.0], bits=1)
    assert_type(rd.quantization_report([1.0, 2.0, 4.0], ranked), str)
    assert_type(rd.rate_distortion([1.0, 2.0, 4.0], methods=["rounding"]), dict[str, list[tuple[float, float, str]]])
    result: quantizers.Result = quantizers.post_training({"fc": [[1.0, 2.0]]}, {"fc": [[1.0, 3.0]]})
    layer: quantizers.Layer = result.layers["fc"]
    assert_type((layer.codes.tolist(), result.size_bytes, layer.output_sqnr), tuple[Any, int, float | None])
    if TYPE_CHECKING:
        rd.plot_quantization([1.0, 2.0], ranked[0].quantizer)


def batches(folder: Path) -> None:
    task = batch.CompressTask(codec.jpeg.EncodeOptions(quality=60), srgb=True, budget=5.0, strip=("gps",), max_size=9)
    jobs = batch.plan([str(folder)], str(folder / "small"), task, selection=batch.Selection(include=("bgr*",)))
    assert_type((jobs[0].target, jobs[0].status), tuple[str | None, str | None])
    with batch.Ledger(folder / "small" / "ledger") as ledger:
        rows = batch.run(jobs, task, ledger=ledger, told=lambda row: print(row.status, end="\r"))
        inside = batch.InPlace(ledger, str(folder), None)
        batch.run(batch.plan_in_place([str(folder / "bgr.jpg")], task), task, in_place=inside)
        assert_type(batch.runs(ledger), list[batch.Run])
        assert_type(next(batch.plan_in_place_by_folder([str(folder)], task, backup="kept")), list[batch.Job])
        folders = batch.plan_by_folder([str(folder)], str(folder / "small"), task)
        assert_type(next(batch.run_by_folder(folders, task, ledger=ledger)), list[batch.Row])
    assert_type((rows[0].after, rows[0].facts), tuple[int | None, dict[str, Any]])
    with batch.Ledger(folder / "small" / "ledger", read_only=True) as ledger:
        pass
    assert_type(batch.IndexedTask("gif", target="size:10kB", max_size="600x400").rename("a.png"), str)
    assert_type(batch.TranscodeTask({"rotate": 90})(codec.encode(IMAGE)).data, bytes)


def other_libraries(folder: Path) -> None:
    path = folder / "bgr.jpg"
    assert_type(cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_QUALITY, 80]), tuple[bool, npt.NDArray[np.uint8]])
    assert_type(cv2.imwrite(path, IMAGE), bool)
    assert_type(cv2.imread(path, cv2.IMREAD_GRAYSCALE), npt.NDArray[Any] | None)
    pillow.register(h264=False)
    pillow.unregister()
    found: list[Checked] = check([str(folder)], max_waste=0.05, max_size=10**6)
    assert_type((found[0].status, found[0].waste), tuple[str, float | None])


if __name__ == "__main__":
    target = Path(sys.argv[1])
    front_door(target)
    errors()
    pictures()
    videos()
    scores()
    palettes(target)
    calibration()
    laboratory(target)
    stages()
    peers()
    machine()
    other_libraries(target)
    batches(target)
