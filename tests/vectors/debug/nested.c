/* A container that traps in a function that others call, some of them inlined. The table of what is
 * where in it is compared with what llvm-symbolizer says. */
#include "tinycontainer.h"

static int32_t numbers[8] = {3, 1, 4, 1, 5, 9, 2, 6};

static inline int32_t divide(int32_t number, uint32_t divisor)
{
#ifdef __bpf__
    uint64_t far = divisor == 0 ? 0xf0000000u : 0;

    return *(volatile int32_t *)far + number;
#else
    return number / (int32_t)divisor;
#endif
}

#ifdef __bpf__
#define APART static inline __attribute__((always_inline))
#else
#define APART static __attribute__((noinline))
#endif

APART int32_t shorten(uint32_t place)
{
    int32_t sum = 0;

    for (uint32_t each = 0; each < 4; each++) {
        sum += numbers[(place + each) % 8];
    }
    return sum + divide(sum, tc_data_size());
}

APART int32_t look_up(uint32_t place)
{
    if (place > 6) {
        tc_log("far");
    }
    return shorten(place) + numbers[place % 8];
}

EXPORT void start(void)
{
    tc_log("begun");
}

EXPORT int32_t loop(void)
{
    return look_up(tc_data_size() + 2);
}
