/* A container that speaks the protocol of specs/tinyml.md through endpoint 1, and logs what each step
 * gave: its letter and a number. PART says which steps. The model is its data section. */
#include "tinycontainer.h"

static int32_t fd;
static char line[16];

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

#if PART == 1 || PART == 2
/* The state, behind the version. */
static void say_state(void)
{
    static uint8_t status[16];

    tinyml_select(fd, TINYML_STATUS, 0, 0);
    say('v', tinyml_read(fd, status, sizeof status) == 16 ? status[0] : -99);
    say('s', status[1]);
}
#endif

#if PART == 1
static void frame(char step, const uint8_t *bytes, uint32_t size)
{
    say(step, tc_write(fd, bytes, size));
}

static void steps(void)
{
    static const uint8_t unknown[] = {0x55}, other[] = {0x10, 3, 0, 0, 9, 0, 0, 0};
    static const uint8_t cut[] = {0x10, 4, 0, 0, 9}, reserved[] = {0x10, 4, 0, 1, 9, 0, 0, 0};
    static const uint8_t large[] = {0x10, 4, 0, 0, 1, 0, 1, 0}, input[] = {0x21, 1};
    static const uint8_t begin[] = {0x10, 4, 0, 0, 9, 0, 0, 0}, rest[] = {0x11, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const uint8_t hashed[40] = {0x10, 4, 1, 0, 1, 0, 0, 0}, more[] = {0x11, 1};
    static const uint8_t hash[TINYML_HASH_BYTES] = {1};
    static uint8_t error[4], output[4];

    say_state();
    frame('u', unknown, sizeof unknown);
    frame('e', other, sizeof other);
    frame('c', cut, sizeof cut);
    frame('r', reserved, sizeof reserved);
    frame('l', large, sizeof large);
    frame('i', input, sizeof input);
    say('k', tinyml_load_kept(fd, hash));
    say('x', tinyml_compute(fd, 0));
    say('o', tinyml_output(fd, 0, output, sizeof output));
    tinyml_select(fd, TINYML_LAST_ERROR, 0, 0);
    say('t', tinyml_read(fd, error, 1) == 1 ? error[0] : -99);
    frame('b', begin, sizeof begin);
    say_state();
    frame('d', rest, sizeof rest);
    say_state();
    frame('h', hashed, sizeof hashed);
    frame('m', more, sizeof more);
    say_state();
}
#elif PART == 2
static void steps(void)
{
    static uint8_t input[64], output[64], info[8];
    uint32_t size;

    say('l', tinyml_load_section(fd, 0, tc_data_size(), 0));
    say_state();
    tinyml_select(fd, TINYML_INPUT_INFO, 0, 0);
    say('i', tinyml_read(fd, info, sizeof info));
    say('y', info[0]);
    size = info[4];
    say('n', (int32_t)size);
    say('x', tinyml_compute(fd, 0));
    say('w', tinyml_input(fd, 0, input, size + 1));
    say('w', tinyml_input(fd, 1, input, size));
    say('w', tinyml_input(fd, 0, input, size));
    say_state();
    say('o', tinyml_output(fd, 0, output, sizeof output));
    say_state();
    say('z', tinyml_read(fd, output, sizeof output));
    say('f', tinyml_reset(fd, TINYML_RESET_INPUTS));
    say_state();
    say('g', tinyml_reset(fd, TINYML_RESET_MODEL));
    say_state();
}
#elif PART == 4
/* An inference with the input 1.0; its output, rounded down. */
static void infer(void)
{
    static const float one = 1;
    static float sum;

    say('w', tinyml_input(fd, 0, &one, sizeof one));
    say('o', tinyml_output(fd, 0, &sum, sizeof sum) == sizeof sum ? (int32_t)sum : -99);
}

/* One inference in each loop, so that containers take turns. The model adds up its last inputs. */
static void steps(void)
{
    static int32_t count;

    count++;
    if (count == 4) {
        say('f', tinyml_reset(fd, TINYML_RESET_INPUTS));
    }
    if (count == 6) {
        say('g', tinyml_reset(fd, TINYML_RESET_MODEL));
    }
    if (count == 1 || count == 6) {
        say('l', tinyml_load_section(fd, 0, tc_data_size(), 0));
    }
    infer();
}
#else
static const uint8_t hash[TINYML_HASH_BYTES] = {MODEL_HASH};

/* Who has a model in its data keeps it; then everybody asks for it. */
static void steps(void)
{
    if (tc_data_size() != 0) {
        say('l', tinyml_load_section(fd, 0, tc_data_size(), TINYML_KEEP));
        say('c', tc_close(fd));
        fd = tc_open(1);
    }
    say('k', tinyml_load_kept(fd, hash));
}
#endif

EXPORT int32_t loop(void)
{
#if PART == 4
    if (fd == 0) {
        fd = tc_open(1);
    }
    steps();
    return 0;
#else
    fd = tc_open(1);
    steps();
    return 1;
#endif
}
