/* The smallest container with a model: it shows the sine of a growing angle eight times a second. The same
 * source is built for WebAssembly and for rBPF. Its data section is the model. The model's input is an angle
 * of 0 to 2 pi, and its output is the sine, both as 8-bit integers. */
#include "tinycontainer.h"

enum { DISPLAY = 1, INFERENCE = 2, STEP = 16 };

static int32_t display, inference;
static int8_t angle = -128;

EXPORT void start(void)
{
    display = tc_open(DISPLAY);
    inference = tc_open(INFERENCE);
    if (tinyml_load_section(inference, 0, tc_data_size(), 0) < 0) {
        tc_log("no model");
    }
}

/* Show the sine as a dot at its height, in a field of 16 characters. */
static void show(int8_t sine)
{
    char field[16];
    int i;

    for (i = 0; i < 16; i++) {
        field[i] = i == (sine + 128) / 16 ? 'o' : '.';
    }
    tc_write(display, field, sizeof field);
}

EXPORT int32_t loop(void)
{
    int8_t sine;

    if (tinyml_input(inference, 0, &angle, 1) < 0 ||
        tinyml_output(inference, 0, &sine, 1) != 1) {
        tc_log("no answer");
        return 1;
    }
    show(sine);
    angle = (int8_t)(angle + STEP);
    return 0;
}
