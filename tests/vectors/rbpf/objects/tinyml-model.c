/* Loads the model that is its data section, whatever its length, in one loop. */
#include "../../../../examples/include/tinycontainer.h"

int32_t loop(void)
{
    int32_t fd = tc_open(9);

    return fd < 0 ? fd : tinyml_load_section(fd, 0, tc_data_size(), 0);
}
