/* An rBPF container that logs its hooks. It counts its loops in its data, which persist; the third
 * returns 7. */
#include "tinycontainer.h"

static uint32_t loops = 1;

void start(void)
{
    tc_log("start");
}

int32_t loop(void)
{
    if (loops == 3) {
        tc_log("third loop");
        return 7;
    }
    tc_log("loop");
    loops++;
    return 0;
}

void stop(void)
{
    tc_log("stop");
}
