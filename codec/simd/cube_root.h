/* Cube root, in basic operations only: the same bits everywhere. */
#ifndef CODEC_CUBE_ROOT_H
#define CODEC_CUBE_ROOT_H
#include <stdint.h>
#include <string.h>

#include "levels.h"

/* Of x in 0 .. 1.01 to within 2 units in the last place above 1e-4, and no worse than 3 % below: a third of the
 * exponent as a first guess (3 % off), then Halley's y (y^3 + 2x) / (2y^3 + x) twice, which cubes the error. */
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
