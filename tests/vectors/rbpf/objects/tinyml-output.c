/* Reads an output of 16 KiB, the quota, in one loop. */
#include "../../../../examples/include/tinycontainer.h"

#define BYTES 16384

static uint8_t output[BYTES];

int32_t loop(void)
{
    return tinyml_output(3, 0, output, BYTES) == BYTES ? output[BYTES - 1] : -1;
}
