/* Makes every call of the header once. The same is in the other languages; a test compares them. */
#include "tinycontainer.h"

static uint8_t bytes[300], read_back[300];

static void log_number(int32_t number)
{
    char text[TC_NUMBER_BYTES];

    tc_format_number(text, number);
    tc_log(text);
}

EXPORT void start(void)
{
    int32_t fd = tc_open(1);

    for (uint32_t each = 0; each < sizeof bytes; each++) {
        bytes[each] = (uint8_t)each;
    }
    tc_heartbeat();
    tinyml_load_section(fd, 0, tc_data_size(), TINYML_KEEP);
    tinyml_load_kept(fd, bytes);
    tinyml_input(fd, 1, bytes, sizeof bytes);
    tinyml_input(fd, 2, bytes, 4);
    tinyml_compute(fd, 0x1234);
    tinyml_select(fd, TINYML_STATUS, 3, 0x01020304);
    log_number(tinyml_output(fd, 2, read_back, sizeof read_back));
    log_number(read_back[299]);
    tinyml_reset(fd, TINYML_RESET_MODEL);
    log_number(-2147483647 - 1);
    log_number(2147483647);
    log_number(0);
    tc_close(fd);
}

EXPORT int32_t loop(void)
{
    return 0;
}
