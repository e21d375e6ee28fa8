/* The intruder: tries what a container must not do. Its data section is one byte, the number of
 * the attack. Attacks 8 and 9 are in its metadata and code, and are refused before any code runs. */
#include "tinycontainer.h"

enum { CONSOLE = 1, REPORTS = 1, NOT_GIVEN = 99, FOREIGN_DESCRIPTORS = 8 };
enum { REFUSED = 1, SUCCEEDED = 2 };

static uint8_t attack;
static volatile uint32_t counter;

EXPORT void start(void)
{
    tc_data_read(0, &attack, 1);
}

static int32_t judge(int refused)
{
    tc_log(refused ? "refused" : "BROKE IN");
    return refused ? REFUSED : SUCCEEDED;
}

static int32_t masked_call(void)
{
    return judge(tc_heartbeat() < 0);
}

static int32_t endpoint_not_given(void)
{
    return judge(tc_open(NOT_GIVEN) < 0);
}

static int32_t foreign_descriptor(void)
{
    char stolen[4];
    int32_t fd;

    for (fd = 1; fd <= FOREIGN_DESCRIPTORS; fd++) {
        if (tc_read(fd, stolen, sizeof stolen) >= 0 || tc_write(fd, "mine", 4) >= 0 ||
            tc_close(fd) >= 0) {
            return judge(0);
        }
    }
    return judge(1);
}

static int32_t wrong_direction(void)
{
    char input[4];
    int32_t console = tc_open(CONSOLE);

    tc_write_text(console, "\x1b[2J\x1b[31mthis is not red");
    return judge(tc_read(console, input, sizeof input) < 0);
}

static int32_t endless_loop(void)
{
    for (;;) {
        counter++;
    }
}

static int32_t memory_growth(void)
{
    uint32_t pages = __builtin_wasm_memory_size(0);

    if (__builtin_wasm_memory_grow(0, 1) == (uint32_t)-1) {
        tc_log("growth refused, reaching out all the same");
    }
    *(volatile uint8_t *)(uintptr_t)(pages * 65536u) = 1;
    return judge(0);
}

static int32_t trap(void)
{
    __builtin_trap();
}

static int32_t resource_of_another(void)
{
    return judge(tc_open(REPORTS) < 0);
}

EXPORT int32_t loop(void)
{
    switch (attack) {
    case 1: return masked_call();
    case 2: return endpoint_not_given();
    case 3: return foreign_descriptor();
    case 4: return wrong_direction();
    case 5: return endless_loop();
    case 6: return memory_growth();
    case 7: return trap();
    case 10: return resource_of_another();
    default: return judge(0);
    }
}
