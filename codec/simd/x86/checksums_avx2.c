/* CRC-32 by products of polynomials over GF(2) (PCLMULQDQ), after Gopal et al., "Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction", Intel 2009. Contracts: checksums.h; the polynomial P: checksums.c. */
#include "../levels.h"

#if CODEC_HAS_AVX2
#include "../checksums.h"
#include "avx2.h"

/* A register has the coefficients of 16 bytes, the highest in bit 0. A is its low half and B its high one. Ahead by d
 * bits, where they are added to the bytes there, they are (A x^64 + B) x^d = A x^(d + 64) + B x^d. The product of two
 * halves in this order comes out times x, and a remainder of 32 bits, reflected and << 1, is times x^31 in a half. So
 * the factor of A is x^(d + 32) mod P, that of B x^(d - 32) mod P. */
#define AHEAD_512 _mm_set_epi64x(0x1c6e41596, 0x154442bd4) /* x^480, x^544 mod P */
#define AHEAD_128 _mm_set_epi64x(0x0ccaa009e, 0x1751997d0) /* x^96, x^160 mod P */

enum { BLOCK = 16, BLOCKS = 4, TOGETHER = BLOCK * BLOCKS };

INLINE __m128i ahead(__m128i v, __m128i factors)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(v, factors, 0x00), _mm_clmulepi64_si128(v, factors, 0x11));
}

AVX2 void codec_crc32_avx2(uint32_t *sum, const uint8_t *data, size_t n)
{
    if (n >= TOGETHER) {
        __m128i v[BLOCKS];
        uint8_t left[BLOCK];
        for (int k = 0; k < BLOCKS; k++)
            v[k] = load16(data + BLOCK * k);
        v[0] = _mm_xor_si128(v[0], _mm_cvtsi32_si128((int)~*sum));
        for (n -= TOGETHER, data += TOGETHER; n >= TOGETHER; n -= TOGETHER, data += TOGETHER)
            for (int k = 0; k < BLOCKS; k++)
                v[k] = _mm_xor_si128(ahead(v[k], AHEAD_512), load16(data + BLOCK * k));
        for (int k = 1; k < BLOCKS; k++)
            v[0] = _mm_xor_si128(ahead(v[0], AHEAD_128), v[k]);
        for (; n >= BLOCK; n -= BLOCK, data += BLOCK)
            v[0] = _mm_xor_si128(ahead(v[0], AHEAD_128), load16(data));
        store16(left, v[0]);
        *sum = ~0u; /* the inverted bits are in the register already */
        codec_crc32_bytes(sum, left, BLOCK);
    }
    codec_crc32_bytes(sum, data, n);
}

#endif
