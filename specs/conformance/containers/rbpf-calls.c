/* An rBPF container that makes every call once and logs what it gave: one digit, or - for -1. Its
 * context is its data section, "data of a", whose first letter it logs too. */
#include "tinycontainer.h"

static inline __attribute__((always_inline)) void say(char call, int32_t result)
{
    char line[8];

    line[0] = call;
    line[1] = ' ';
    line[2] = result < 0 ? '-' : (char)('0' + result);
    line[3] = '\0';
    tc_log(line);
}

int32_t loop(const char *context, uint64_t size)
{
    char bytes[8] = "abc", letter[8], copy[8];

    letter[0] = context[0];
    letter[1] = '\0';
    tc_log(letter);
    say('#', (int32_t)size);
    say('d', (int32_t)tc_data_size());
    say('r', (int32_t)tc_data_read(5, copy, 8));
    copy[4] = '\0';
    tc_log(copy);
    say('o', tc_open(1));
    say('w', tc_write(1, bytes, 3));
    bytes[1] = 'x';
    say('r', tc_read(1, bytes, 8));
    bytes[3] = '\0';
    tc_log(bytes);
    say('s', tc_write(1, bytes, 0));
    say('h', tc_heartbeat());
    say('c', tc_close(1));
    return 1;
}
