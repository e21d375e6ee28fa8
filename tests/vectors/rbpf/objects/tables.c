/* What authors write: tables of strings, a switch that becomes one, and bytes in another order. The
 * container's data is: which word, which line, two values to be swapped. */
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

extern void tc_log(const char *line) __asm__("logger");
extern int32_t tc_write(int32_t fd, const void *bytes, uint32_t size) __asm__("write");

static const char *const words[] = {"alpha", "beta", "gamma"};
static const char *lines[] = {"first", "second"};
static uint32_t count = 7;
static uint32_t *const counted = &count;

static inline const char *digit(uint64_t number)
{
    switch (number) {
    case 0:
        return "zero";
    case 1:
        return "one";
    case 2:
        return "two";
    case 3:
        return "three";
    default:
        return "many";
    }
}

int32_t loop(const uint64_t *own)
{
    uint64_t made[4];
    uint64_t sum = 0;
    uint64_t index;

    tc_log(words[own[0]]);
    tc_log(lines[own[1] & 1]);
    tc_log(digit(own[0]));
    for (index = 0; index < own[0]; index++) {
        sum += __builtin_bswap64(own[2] + index);
    }
    made[0] = sum;
    made[1] = __builtin_bswap64(own[2]);
    made[2] = __builtin_bswap32((uint32_t)own[3]);
    made[3] = (uint16_t)((uint16_t)own[3] >> 8 | (uint16_t)own[3] << 8);
    tc_write(3, made, sizeof made);
    return (int32_t)++*counted;
}
