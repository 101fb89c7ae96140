/* Colour conversion of T.871 clause 7 in fixed point: FIX(x) = round(x * 2^16). Rounding is that of the widespread
 * libjpeg implementations, so pictures agree to the last bit. */
#ifndef CODEC_JPEG_COLOR_H
#define CODEC_JPEG_COLOR_H

enum {
    ONE_HALF = 1 << 15,
    CHROMA_ZERO = (128 << 16) + ONE_HALF - 1, /* rounds halves down: 255.5 must not become 256 */
    Y_R = 19595,                              /* 0.299 */
    Y_G = 38470,                              /* 0.587 */
    Y_B = 7471,                               /* 0.114; the three add up to 2^16, so white stays 255 */
    CB_R = 11059,                             /* 0.168736 */
    CB_G = 21709,                             /* 0.331264 */
    CR_G = 27439,                             /* 0.418688 */
    CR_B = 5329,                              /* 0.081312 */
    R_CR = 91881,                             /* 1.402 */
    G_CB = 22554, /* 0.34414: the five digits that the other libraries round, 22553 being nearer to 0.344136 */
    G_CR = 46802, /* 0.714136 */
    B_CB = 116130, /* 1.772 */
    UP = 160 << 16 /* more than 128 * (0.344136 + 0.714136) * 2^16 */
};

#endif
