"""Write a short procedural clip as YUV4MPEG2.

usage: python samples/clip.py FILE.y4m    (needs NumPy)

48 frames of 160x96, 24 per second: a camera pans over rings and stripes, a ball crosses them, and after a cut letters scroll over a ramp. Computed in
integers, so that the bytes are the same everywhere. BSD-2-Clause, as the rest of this repository.
"""
import math
import sys

import numpy as np

WIDTH, HEIGHT, FRAMES, FPS, CUT = 160, 96, 48, 24, 32
WAVE = np.array([round(60 * math.sin(2 * math.pi * i / 1024)) for i in range(1024)])


def first_scene(number):
    """Rings and stripes that move by 1.5 samples per frame, and a ball in front."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    x2 = 2 * x + 3 * number  # in half samples
    luma = 120 + WAVE[((x2 - 200) ** 2 + (2 * y - 96) ** 2) // 24 % 1024] + (x2 // 32 % 2) * 24
    cb, cr = 128 + WAVE[x2 * 2 % 1024] // 3, 128 + WAVE[(y * 9) % 1024] // 3
    ball = (x - 10 - 4 * number) ** 2 + (y - 48 - WAVE[40 * number % 1024] // 2) ** 2 < 200
    return np.where(ball, 210, luma), np.where(ball, 90, cb), np.where(ball, 190, cr)


def second_scene(number):
    """Letters of 5 x 7 dots that scroll up by two lines per frame over a ramp."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    dots = np.random.RandomState(1).randint(0, 2, (64, 32, 7, 5))
    row = y + 2 * number
    letter = dots[row // 12 % 64, x // 8, np.minimum(row % 12, 6), np.minimum(x % 8, 4)]
    ink = (letter == 1) & (row % 12 < 7) & (x % 8 < 5)
    return np.where(ink, 235, 40 + x // 2 + y // 4), 110 + x // 8, 150 - y // 6


def frames():
    """Yield (Y, Cb, Cr) in 4:2:0."""
    for number in range(FRAMES):
        luma, cb, cr = (first_scene if number < CUT else second_scene)(number)
        means = ((c[::2, ::2] + c[1::2, ::2] + c[::2, 1::2] + c[1::2, 1::2] + 2) // 4 for c in (cb, cr))
        yield [plane.clip(16, 235).astype(np.uint8) for plane in (luma, *means)]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "wb") as stream:
        stream.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420\n".encode())
        for planes in frames():
            stream.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in planes))


if __name__ == "__main__":
    main()
