import dataclasses

import pytest

from codec.rd import Point


def make_point(image="a.png", quality=75, **changes):
    row = Point(
        image=image,
        sha256="0" * 64,
        width=20,
        height=10,
        codec="jpeg",
        setting={"subsampling": "4:2:0", "effort": 5, "quality": quality},
        bytes=50,
        bpp=2.0,
        metrics={"psnr": 30.0, "ssim": 0.9},
        encode_seconds=0.5,
        decode_seconds=0.25,
        workers=1,
        codec_version="0.1.0",
        python="3.12.0",
        machine="Linux x86_64",
        cpu="avx2",
    )
    return dataclasses.replace(row, **changes)


@pytest.fixture(scope="session")
def point():
    """A function that makes one row; the test overrides the fields it is about."""
    return make_point
