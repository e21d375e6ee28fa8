/* An rBPF container whose loop does one thing that ends it; FAULT says which. */
#include "tinycontainer.h"

int32_t loop(volatile uint64_t *context, uint64_t size)
{
    (void)context;
    (void)size;
#if FAULT == 1
    *context = size; /* the context is read only */
    return 0;
#elif FAULT == 2
    return *(volatile int32_t *)0x10000000; /* no region is there */
#elif FAULT == 3
    volatile uint64_t zero = 0;

    return (int32_t)(size / zero);
#else
    for (;;) {
        __asm__ volatile("");
    }
#endif
}
