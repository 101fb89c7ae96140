"""Handmade JPEG files of kinds that the encoder does not write."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from codec.jpeg._planes import compose
from codec.jpeg._scan_read import idct_plane
from codec.jpeg._scan_write import Tables, encode_scan

from codec._core import ZIGZAG, optimal_huffman
from codec.jpeg import markers
from codec.jpeg.scans import ScanSpec


@dataclass
class Handmade:
    """A frame of any kind with random levels; `data` is the file, `pixels` its reconstruction.

    factors : (H, V) of each component; components have the identifiers 1, 2, 3 ... unless `ids` says otherwise
    script : tuple of ScanSpec; default: one interleaved scan
    before : bytes to put after SOI; header_lines : Y of the frame header (0 calls for DNL)
    """

    height: int
    width: int
    factors: tuple = ((1, 1),)
    color: str = "gray"
    SOFn: int = markers.SOF0
    precision: int = 8
    script: tuple = ()
    ids: bytes = b"\1\2\3\4"
    Q: np.ndarray = field(default_factory=lambda: np.arange(1, 65, dtype=np.uint16))
    restart_interval: int = 0
    before: bytes = b""
    header_lines: int = -1
    seed: int = 0
    tables: bool = True
    end: bytes = b"\xff\xd9"

    def __post_init__(self):
        components = tuple(markers.FrameComponent(self.ids[i], H, V, 0) for i, (H, V) in enumerate(self.factors))
        self.frame = markers.Frame(self.SOFn, self.precision, self.height, self.width, components)
        self.script = self.script or (ScanSpec(tuple(range(len(components)))),)
        rng = np.random.default_rng(self.seed)
        self.levels_zz = []
        for component in components:
            shape = (*self.frame.blocks(component), 64)
            levels = rng.integers(-3, 4, shape) * (rng.random(shape) < 0.2)
            levels[..., 0] = rng.integers(-400, 400, shape[:2])
            self.levels_zz.append(
                (levels << self.precision - 8)
                .clip(-2047 << self.precision - 8, 2047 << self.precision - 8)
                .astype(np.int16)
            )

    def scan(self, spec):
        """Huffman tables, header and entropy-coded data of one scan; each component has its own tables."""
        planes = [self.levels_zz[i] for i in spec.components]
        components = [(*self.factors[i], i % 4, i % 4) for i in spec.components]
        settings = dict(
            Ss=spec.Ss,
            Se=spec.Se,
            Ah=spec.Ah,
            Al=spec.Al,
            progressive=self.SOFn == markers.SOF2,
            mcus=self.frame.mcus,
            restart_interval=self.restart_interval,
        )
        statistics, tables, defined = Tables(), Tables(), []
        encode_scan(planes, components, statistics, "symbols", **settings)
        for key in [(Tc, i % 4) for Tc in (0, 1) for i in spec.components]:
            table = optimal_huffman(statistics.counts(*key))
            tables.set(*key, *table)
            defined.append((*key, *table))
        header = markers.Scan(
            tuple(markers.ScanComponent(self.ids[i], i % 4, i % 4) for i in spec.components),
            spec.Ss,
            spec.Se,
            spec.Ah,
            spec.Al,
        )
        return (
            (markers.write_huffman_tables(defined) if self.tables else b"")
            + markers.write_scan(header)
            + encode_scan(planes, components, tables, "bits", **settings)
        )

    @property
    def dnl(self):
        return markers.write_segment(markers.DNL, self.height.to_bytes(2, "big")) if self.header_lines == 0 else b""

    @property
    def data(self):
        lines = self.height if self.header_lines < 0 else self.header_lines
        frame = markers.Frame(self.SOFn, self.precision, lines, self.width, self.frame.components)
        head = b"\xff\xd8" + self.before + markers.write_quant_tables({0: self.Q}) + markers.write_frame(frame)
        if self.restart_interval:
            head += markers.write_restart_interval(self.restart_interval)
        first, *rest = map(self.scan, self.script)
        return head + first + self.dnl + b"".join(rest) + self.end

    @property
    def pixels(self):
        return self.pixels_with([self.Q] * len(self.factors))

    def pixels_with(self, steps):
        """The reconstruction with these quantization tables."""
        planes = []
        for levels_zz, Q in zip(self.levels_zz, steps):
            levels = np.empty_like(levels_zz)
            levels[..., ZIGZAG] = levels_zz
            planes.append(idct_plane(levels, Q, self.precision))
        return compose(planes, self.color, self.factors, self.height, self.width, self.precision)


@pytest.fixture(scope="session")
def handmade():
    return Handmade


@pytest.fixture(scope="session")
def reconstruct():
    """reconstruct(image, options): the pixels reconstructed from the encoder's own levels."""
    from codec.jpeg.assemble import Common
    from codec.jpeg.pipeline import quantized

    def reconstruct(image, options):
        picture, planes = quantized(image, options, Common()), []
        frame = picture.frame
        for levels_zz, component in zip(picture.planes, frame.components):
            natural = np.empty_like(levels_zz)
            natural[..., ZIGZAG] = levels_zz
            planes.append(idct_plane(natural, picture.steps[component.Tq], 8))
        return compose(planes, picture.color, [(c.H, c.V) for c in frame.components], frame.Y, frame.X, 8)

    return reconstruct
