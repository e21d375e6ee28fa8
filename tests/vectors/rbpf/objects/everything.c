/* All that a conversion handles: literals, constants, initialised data and data of zeros, static and
 * global, three hooks, extern helpers, and two translation units' worth of rodata sections. */
typedef signed int int32_t;
typedef unsigned int uint32_t;

extern int32_t tc_open(uint32_t endpoint_id) __asm__("open");
extern int32_t tc_write(int32_t fd, const void *buffer, uint32_t size) __asm__("write");
extern void tc_log(const char *line) __asm__("logger");

static const uint32_t endpoints[3] = {7, 8, 9};
const char greeting[] = "hello there";
static int32_t fd;
static uint32_t calls = 5;
unsigned char letters[4] __attribute__((aligned(8)));

static inline __attribute__((always_inline)) void say(const char *line)
{
    tc_log(line);
}

void start(void)
{
    fd = tc_open(endpoints[calls % 3]);
}

int32_t loop(const char *own, uint32_t size)
{
    uint32_t i;

    say("looping");
    for (i = 0; i < sizeof letters && i < size; i++) {
        letters[i] = own[i] ^ 0x20;
    }
    calls++;
    return tc_write(fd, letters, sizeof letters) + (int32_t)(calls * 100) + greeting[1];
}

void stop(void)
{
    say("bye");
}
