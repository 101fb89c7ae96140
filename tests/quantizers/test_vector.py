"""Vector quantization of blocks: nearest entries, exact round trips if possible, less error with more entries."""

import numpy as np
import pytest
from PIL import Image

from codec.errors import ParameterError
from codec.quantizers import vector


def test_encode_finds_the_nearest_block(picture):
    image = picture(40, 36, 1)
    codebook = vector.train([image], 20)
    codes = codebook.encode(image)
    blocks = image.reshape(10, 4, 9, 4).swapaxes(1, 2).reshape(10, 9, -1).astype(int)
    squared = np.square(blocks[:, :, None] - codebook.entries.reshape(len(codebook.entries), -1).astype(int)).sum(-1)
    assert (codes == squared.argmin(-1)).all()


def test_few_different_blocks_come_back_exactly():
    tiles = np.random.default_rng(0).integers(0, 256, (3, 4, 4)).astype(np.uint8)
    image = tiles[np.random.default_rng(1).integers(0, 3, (5, 7))].swapaxes(1, 2).reshape(20, 28)
    codebook = vector.train([image], 16)
    assert len(codebook.entries) == 3
    assert (codebook.decode(codebook.encode(image)) == image).all()


def test_more_entries_less_error(picture):
    image = picture(96, 96, 3)
    errors = []
    for entries in (4, 32, 200):
        codebook = vector.train([image], entries, block=(2, 2))
        assert len(codebook.entries) == entries and codebook.entries.shape[1:] == (2, 2, 3)
        errors.append(np.square(codebook.decode(codebook.encode(image)).astype(int) - image).mean())
    assert errors[0] > 1.5 * errors[1] > 2 * errors[2]


def test_sizes_that_are_no_multiple_of_the_block(picture):
    image = picture(13, 9, 3)
    codebook = vector.train([image], 1000, block=(4, 4))
    codes = codebook.encode(image)
    assert codes.shape == (4, 3)
    assert (codebook.decode(codes, (13, 9)) == image).all()


def test_one_codebook_for_several_pictures(picture):
    codebook = vector.train([picture(32, 32, 1, seed) for seed in range(3)], 50)
    assert codebook.encode(picture(64, 32, 1, 9)).max() < len(codebook.entries)
    assert codebook.bits_per_pixel == 6 / 16


@pytest.mark.parametrize(
    "call, what",
    [
        (lambda: vector.train([], 4), "one image"),
        (lambda: vector.train([np.zeros((4, 4))], 4), "uint8"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 0), "entries"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 4, block=(9, 9)), "64"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 4, block=(0, 4)), "block"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 4).decode(np.array([[9]])), "codes"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 4).decode(np.array([[0]]), (9, 4)), "size"),
        (lambda: vector.train([np.zeros((4, 4), np.uint8)], 4).encode(np.zeros((4, 4, 3), np.uint8)), "channels"),
    ],
)
def test_bad_input_is_refused(call, what):
    with pytest.raises(ParameterError, match=what):
        call()


def test_a_generator_may_fill_the_same_array_again():
    pictures = [np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8) for seed in range(3)]

    def refilled():
        buffer = np.empty_like(pictures[0])
        for pixels in pictures:
            buffer[:] = pixels
            yield buffer

    assert np.array_equal(vector.train(pictures, 9).entries, vector.train(refilled(), 9).entries)


def test_pillow_images_are_their_colours():
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)).quantize(9)
    shown = np.asarray(image.convert("RGB"))
    codebook = vector.train(image, 5)
    assert np.array_equal(codebook.entries, vector.train([shown], 5).entries)
    assert np.array_equal(codebook.encode(image), codebook.encode(shown))
