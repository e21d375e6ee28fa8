/* The compliance container: reads orientation, temperature and humidity every second and raises an
 * alarm to the courier's container when one leaves its range. The ranges are the data section:
 * for each sensor in turn its lowest and highest value, signed 32 bits, little-endian. */
#include "tinycontainer.h"

enum { ORIENTATION = 1, TEMPERATURE = 2, HUMIDITY = 3, ALARMS = 4, SENSORS = 3 };

static const uint32_t endpoints[SENSORS] = {ORIENTATION, TEMPERATURE, HUMIDITY};
static const char *const alarm_texts[SENSORS] = {
    "ALARM: box upside down",
    "ALARM: temperature",
    "ALARM: humidity",
};

static int32_t sensors[SENSORS];
static int32_t ranges[SENSORS][2];
static int raised[SENSORS];
static int32_t alarms;

EXPORT void start(void)
{
    int i;

    tc_data_read(0, ranges, sizeof ranges);
    for (i = 0; i < SENSORS; i++) {
        sensors[i] = tc_open(endpoints[i]);
    }
    alarms = tc_open(ALARMS);
    tc_log("watching");
}

static void check(int sensor)
{
    int32_t value;
    int outside;

    if (tc_read(sensors[sensor], &value, sizeof value) != sizeof value) {
        return;
    }
    outside = value < ranges[sensor][0] || value > ranges[sensor][1];
    if (outside && !raised[sensor]) {
        tc_log(alarm_texts[sensor]);
        if (alarms <= 0) {
            alarms = tc_open(ALARMS);
        }
        tc_write_text(alarms, alarm_texts[sensor]);
    }
    raised[sensor] = outside;
}

EXPORT int32_t loop(void)
{
    int i;

    for (i = 0; i < SENSORS; i++) {
        check(i);
    }
    tc_heartbeat();
    return 0;
}
