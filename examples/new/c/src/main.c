/* Shows the temperature every second, and raises an alarm when it becomes too hot. */
#include "tinycontainer.h"

/* Endpoint ids of container.toml. */
enum { CONSOLE = 1, THERMOMETER = 2, ALARMS = 3 };

enum { TOO_HOT = 30 };

static int32_t console, thermometer, alarms;
static int32_t hot;

EXPORT void start(void)
{
    console = tc_open(CONSOLE);
    thermometer = tc_open(THERMOMETER);
    tc_log("ready");
}

static void show(int32_t degrees)
{
    char line[TC_NUMBER_BYTES + sizeof " degrees"];
    uint32_t length = tc_format_number(line, degrees);

    __builtin_memcpy(line + length, " degrees", sizeof " degrees");
    tc_write_text(console, line);
}

static void raise_alarm(void)
{
    if (alarms <= 0) {
        /* The container that takes alarms may be loaded later than this one. */
        alarms = tc_open(ALARMS);
    }
    if (alarms <= 0 || tc_write_text(alarms, "too hot") < 0) {
        tc_log("nobody takes alarms");
        alarms = 0;
    }
}

EXPORT int32_t loop(void)
{
    int32_t degrees;

    if (tc_read(thermometer, &degrees, sizeof degrees) != sizeof degrees) {
        return 0; /* the thermometer has not measured yet */
    }
    show(degrees);
    if (degrees > TOO_HOT && !hot) {
        raise_alarm();
    }
    hot = degrees > TOO_HOT;
    return 0;
}

EXPORT void stop(void)
{
    tc_log("stopped");
}
