/* The keyword spotter: reads ten coefficients of sound every 20 ms. When somebody speaks, it collects
 * one second of sound and asks a model which of twelve classes it was.
 *
 * Its data section: the names of the classes, eight bytes each, then the model. */
#include "tinycontainer.h"

enum { MICROPHONE = 1, DISPLAY = 2, INFERENCE = 3 };
enum { FRAMES = 49, COEFFICIENTS = 10, CLASSES = 12, LABEL_BYTES = 8 };

static int32_t microphone, display, inference;
static char labels[CLASSES][LABEL_BYTES];
static int8_t sound[FRAMES][COEFFICIENTS];
static uint32_t heard;
static int waiting;

EXPORT void start(void)
{
    int32_t error;

    microphone = tc_open(MICROPHONE);
    display = tc_open(DISPLAY);
    inference = tc_open(INFERENCE);
    tc_data_read(0, labels, sizeof labels);
    error = inference < 0 ? inference
                          : tinyml_load_section(inference, sizeof labels,
                                                tc_data_size() - sizeof labels, 0);
    tc_log(error < 0 ? "no model: nothing will be spotted" : "listening");
}

static int8_t clamped(int32_t value)
{
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

/* Store a frame of sound if somebody speaks. */
static void listen(void)
{
    int32_t row[1 + COEFFICIENTS];
    int i;

    if (tc_read(microphone, row, sizeof row) != sizeof row || !row[0]) {
        heard = 0;
        return;
    }
    for (i = 0; i < COEFFICIENTS; i++) {
        sound[heard][i] = clamped(row[1 + i]);
    }
    heard++;
}

/* Show the class with the highest score; in wall time, as soon as there are scores. */
static void spot(void)
{
    int8_t scores[CLASSES];
    int best = 0, i;
    int32_t given = tinyml_read(inference, scores, sizeof scores);

    if (given == TINYML_BUSY) {
        return;
    }
    waiting = 0;
    if (given != sizeof scores) {
        tc_log("no scores");
        return;
    }
    for (i = 1; i < CLASSES; i++) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    tc_write_text(display, labels[best]);
    tc_log(labels[best]);
}

EXPORT int32_t loop(void)
{
    if (waiting) {
        spot();
        return 0;
    }
    listen();
    if (heard == FRAMES) {
        heard = 0;
        waiting = tinyml_input(inference, 0, sound, sizeof sound) >= 0 &&
                  tinyml_select(inference, TINYML_OUTPUT, 0, 0) >= 0 &&
                  tinyml_compute(inference, 0) >= 0;
    }
    return 0;
}
