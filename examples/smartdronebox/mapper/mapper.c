/* A third party's container, the mapper: samples radio strength as long as it is allowed to. */
#include "tinycontainer.h"

enum { RADIO = 1, REPORT_EVERY = 20, RETRY_EVERY = 10 };

static int32_t radio;
static uint32_t samples, loops_without;
static int allowed = 1;

EXPORT void start(void)
{
    radio = tc_open(RADIO);
}

static void note_permission(int now_allowed)
{
    if (now_allowed != allowed) {
        tc_log(now_allowed ? "radio granted again" : "radio revoked");
    }
    allowed = now_allowed;
    loops_without = 0;
}

static void ask_again(void)
{
    if (loops_without++ % RETRY_EVERY == 0) {
        radio = tc_open(RADIO);
        if (radio > 0) {
            note_permission(1);
        }
    }
}

static void sample(void)
{
    int32_t strength;
    int32_t length = tc_read(radio, &strength, sizeof strength);

    if (length < 0) {
        note_permission(0);
    } else if (length == sizeof strength && ++samples % REPORT_EVERY == 0) {
        tc_log("20 samples taken");
    }
}

EXPORT int32_t loop(void)
{
    if (allowed) {
        sample();
    } else {
        ask_again();
    }
    return 0;
}
