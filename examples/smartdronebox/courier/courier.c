/* The courier's container: shows an address, accepts a signature, shows alarms of the compliance
 * container. The address is the container's data section. */
#include "tinycontainer.h"

enum { DISPLAY = 1, PAD = 2, ALARMS = 3 };

static int32_t display, pad, alarms;
static int signed_for;

static void show(const char *text)
{
    tc_write_text(display, text);
}

EXPORT void start(void)
{
    char address[TC_TRANSFER_BYTES];
    uint32_t length = tc_data_read(0, address, sizeof address);

    display = tc_open(DISPLAY);
    pad = tc_open(PAD);
    tc_write(display, address, length);
    tc_log("address shown");
}

static void take_signature(void)
{
    int32_t pressed;

    if (!signed_for && tc_read(pad, &pressed, sizeof pressed) == sizeof pressed && pressed) {
        signed_for = 1;
        show("Thank you");
        tc_log("signature taken");
    }
}

static void show_alarm(void)
{
    char alarm[TC_TRANSFER_BYTES + 1];
    int32_t length;

    if (alarms <= 0) {
        /* The compliance container may be loaded later than this one. */
        alarms = tc_open(ALARMS);
        return;
    }
    length = tc_read(alarms, alarm, TC_TRANSFER_BYTES);
    if (length > 0) {
        alarm[length] = '\0';
        show(alarm);
        tc_log("alarm shown");
    }
    if (length < 0) {
        alarms = 0;
    }
}

EXPORT int32_t loop(void)
{
    tc_heartbeat();
    take_signature();
    show_alarm();
    return 0;
}

EXPORT void stop(void)
{
    show("Out of service");
}
