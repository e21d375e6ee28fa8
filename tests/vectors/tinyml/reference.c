/* Loads the model that is its data section, gives it an input of ones, and logs what came of it: the
 * result of the load, the length of the output, and the sum of its bytes. */
#include "tinycontainer.h"

static uint8_t input[32768];
static uint8_t output[1024];
static char line[32];

static void say(char step, int32_t number)
{
    char digits[12];
    uint32_t at = 0, count = 0, rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;

    line[at++] = step;
    line[at++] = ' ';
    if (number < 0) {
        line[at++] = '-';
    }
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    while (count != 0) {
        line[at++] = digits[--count];
    }
    line[at] = '\0';
    tc_log(line);
}

static uint32_t size_of(int32_t fd, uint8_t what)
{
    uint8_t info[8];

    tinyml_select(fd, what, 0, 0);
    tinyml_read(fd, info, sizeof info);
    return info[4] | (uint32_t)info[5] << 8 | (uint32_t)info[6] << 16;
}

EXPORT int32_t loop(void)
{
    int32_t fd = tc_open(1);
    int32_t loaded = tinyml_load_section(fd, 0, tc_data_size(), 0);
    uint32_t i, sum = 0, made;

    say('l', loaded);
    for (i = 0; i < sizeof input; i++) {
        input[i] = 1;
    }
    say('i', tinyml_input(fd, 0, input, size_of(fd, TINYML_INPUT_INFO)));
    made = size_of(fd, TINYML_OUTPUT_INFO);
    say('o', tinyml_output(fd, 0, output, made));
    for (i = 0; i < made; i++) {
        sum += output[i];
    }
    say('s', (int32_t)sum);
    return 1;
}
