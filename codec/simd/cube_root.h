/* Cube root from basic operations only: the same bits on every machine. */
#ifndef CODEC_CUBE_ROOT_H
#define CODEC_CUBE_ROOT_H
#include <stdint.h>
#include <string.h>

#include "levels.h"

/* Cube root of x in 0..1.01: within 2 units in the last place above 1e-4, within 3 % below. A third of the exponent is
 * the first guess (3 % off); Halley's y (y^3 + 2x) / (2y^3 + x), applied twice, cubes the error each time. */
CODEC_BODY float cube_root(float x)
{
    int32_t i;
    float y, c;
    memcpy(&i, &x, 4);
    i = (int32_t)((float)i * 0.333333343f) + 709921077;
    memcpy(&y, &i, 4);
    c = y * y * y;
    y = y * (c + x + x) / (c + c + x);
    c = y * y * y;
    return y * (c + x + x) / (c + c + x);
}

#endif
