/* Sends an input of 16 KiB, the quota, in one loop: the header's functions within 10,000 branches. */
#include "../../../../examples/include/tinycontainer.h"

#define BYTES 16384

static uint8_t input[BYTES];

int32_t loop(void)
{
    int32_t fd = tc_open(9);

    input[0] = 1;
    input[BYTES - 1] = 2;
    return fd < 0 ? fd : tinyml_input(fd, 0, input, BYTES);
}
