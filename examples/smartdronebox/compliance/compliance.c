/* The compliance container: reads orientation, temperature and humidity every second and raises an
 * alarm to the courier's container when they are not normal. It reports each alarm to its own company as
 * well, which is a resource on another machine.
 *
 * Its data section holds an autoencoder, which was trained to reproduce windows of normal readings. If
 * the readings and the model's output differ too much, the container raises an alarm. Without an
 * inference service the container checks ranges, which are in the data section too. */
#include "tinycontainer.h"

enum { ORIENTATION = 1, TEMPERATURE = 2, HUMIDITY = 3, ALARMS = 4, INFERENCE = 5, REPORTS = 6 };
enum { SENSORS = 3, CHANGE = 3, CHANNELS = 4, SAMPLES = 8 };

/* The data section: this structure (signed 32 bits, little-endian), then the model. */
static struct {
    int32_t ranges[SENSORS][2];  /* lowest and highest value */
    int32_t scales[CHANNELS][2]; /* middle and half width of what the model takes as normal */
    int32_t steps;               /* of the model's numbers in half a width */
    int32_t threshold;           /* squared difference of a channel's window, in steps */
    uint32_t model_size;
} settings;

static const uint32_t endpoints[SENSORS] = {ORIENTATION, TEMPERATURE, HUMIDITY};
static const char *const alarm_texts[SENSORS] = {
    "ALARM: box upside down",
    "ALARM: temperature",
    "ALARM: humidity",
};

static int32_t sensors[SENSORS];
static int32_t last_temperature;
static int8_t window[CHANNELS][SAMPLES];
static int filled;
static int raised[SENSORS];
static int32_t alarms, inference, reports;

EXPORT void start(void)
{
    int i;

    tc_data_read(0, &settings, sizeof settings);
    for (i = 0; i < SENSORS; i++) {
        sensors[i] = tc_open(endpoints[i]);
    }
    reports = tc_open(REPORTS);
    inference = tc_open(INFERENCE);
    if (inference > 0 &&
        tinyml_load_section(inference, sizeof settings, settings.model_size, 0) < 0) {
        inference = 0;
    }
    tc_log(inference > 0 ? "watching with a model" : "no inference service: watching ranges");
}

static int8_t in_steps(int channel, int32_t value)
{
    const int32_t *scale = settings.scales[channel];
    int32_t steps = (value - scale[0]) * settings.steps / scale[1];

    return (int8_t)(steps < -128 ? -128 : steps > 127 ? 127 : steps);
}

static void push(int channel, int8_t steps)
{
    int i;

    for (i = 0; i < SAMPLES - 1; i++) {
        window[channel][i] = filled ? window[channel][i + 1] : steps;
    }
    window[channel][SAMPLES - 1] = steps;
}

static void remember(const int32_t values[SENSORS])
{
    int32_t temperature = values[TEMPERATURE - 1];
    int i;

    for (i = 0; i < SENSORS; i++) {
        push(i, in_steps(i, values[i]));
    }
    push(CHANGE, in_steps(CHANGE, filled ? temperature - last_temperature : 0));
    last_temperature = temperature;
    filled = 1;
}

static int32_t difference(int channel, const int8_t made[SAMPLES])
{
    int32_t sum = 0;
    int i;

    for (i = 0; i < SAMPLES; i++) {
        int32_t each = window[channel][i] - made[i];

        sum += each * each;
    }
    return sum;
}

/* If a window is not normal, blame the sensor that differs most. The model reproduces all sensors from
 * the same few numbers, so one bad sensor disturbs the others. One alarm for each such time. */
static void blame(const int8_t made[CHANNELS][SAMPLES], int outside[SENSORS])
{
    int32_t most = 0;
    int worst = 0, already = 0, i;

    for (i = 0; i < SENSORS; i++) {
        int32_t each = difference(i, made[i]);

        if (each > most) {
            most = each;
            worst = i;
        }
        already |= raised[i];
    }
    for (i = 0; i < SENSORS; i++) {
        outside[i] = most > settings.threshold && (already ? raised[i] : i == worst);
    }
}

/* Let the model judge which sensors are not normal. Returns an error if there is no answer. */
static int32_t judge_by_model(int outside[SENSORS])
{
    int8_t made[CHANNELS][SAMPLES];
    int32_t result = tinyml_input(inference, 0, window, sizeof window);

    if (result >= 0) {
        result = tinyml_output(inference, 0, made, sizeof made);
    }
    if (result >= 0) {
        blame(made, outside);
    }
    return result;
}

static void judge_by_ranges(const int32_t values[SENSORS], int outside[SENSORS])
{
    int i;

    for (i = 0; i < SENSORS; i++) {
        outside[i] = values[i] < settings.ranges[i][0] || values[i] > settings.ranges[i][1];
    }
}

static void alarm(int sensor)
{
    tc_log(alarm_texts[sensor]);
    if (alarms <= 0) {
        alarms = tc_open(ALARMS);
    }
    tc_write_text(alarms, alarm_texts[sensor]);
    tc_write_text(reports, alarm_texts[sensor]);
}

EXPORT int32_t loop(void)
{
    int32_t values[SENSORS];
    int outside[SENSORS];
    int i;

    tc_heartbeat();
    for (i = 0; i < SENSORS; i++) {
        if (tc_read(sensors[i], &values[i], sizeof values[i]) != sizeof values[i]) {
            return 0;
        }
    }
    remember(values);
    if (inference <= 0 || judge_by_model(outside) < 0) {
        judge_by_ranges(values, outside);
    }
    for (i = 0; i < SENSORS; i++) {
        if (outside[i] && !raised[i]) {
            alarm(i);
        }
        raised[i] = outside[i];
    }
    return 0;
}
