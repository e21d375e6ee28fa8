/* One thing that rBPF does not have for each value of CASE; the line that begins with a mark is the
 * one that the refusal has to name. */
typedef signed int int32_t;
typedef unsigned int uint32_t;

extern int32_t tc_heartbeat(void) __asm__("heartbeat");

#if CASE == 1
int32_t loop(void)
{
/*!*/ return (int32_t)(unsigned long)&loop;
}
#elif CASE == 2
int32_t loop(int32_t *own)
{
/*!*/ __sync_fetch_and_add(own, 3);
    return 0;
}
#elif CASE == 3
static __attribute__((noinline)) int32_t twice(int32_t value)
{
    return 2 * value + tc_heartbeat();
}

int32_t loop(const int32_t *own)
{
/*!*/ return twice(*own);
}
#elif CASE == 4
extern int32_t missing(void);

int32_t loop(void)
{
/*!*/ return missing();
}
#elif CASE == 5
extern int32_t elsewhere;

int32_t loop(void)
{
/*!*/ return elsewhere;
}
#elif CASE == 6
static int32_t one(int32_t value)
{
    return value + 1;
}

static int32_t two(int32_t value)
{
    return 2 * value;
}

static int32_t (*const steps[])(int32_t) = {one, two};

int32_t loop(const uint32_t *own)
{
/*!*/ return steps[*own & 1](3);
}
#elif CASE == 7
void start(void)
{
    tc_heartbeat();
}
#elif CASE == 8
int32_t loop(const unsigned long *own)
{
    int32_t (*function)(void) = (int32_t (*)(void))*own;

/*!*/ return function();
}
#elif CASE == 9
int32_t loop(void)
{
/*!*/ return ((int32_t(*)(void))1)();
}
#elif CASE == 10
int32_t shared;

int32_t loop(void)
{
/*!*/ return shared;
}
#elif CASE == 12
int32_t step(const int32_t *own)
{
    return own[0];
}

int32_t checksum(const int32_t *own)
{
    return own[0] + own[1];
}
#elif CASE == 11
int32_t loop(const int32_t *own)
{
/*!*/ return own[0] < own[1] ? tc_heartbeat() : 0;
}
#elif CASE == 13
extern const int32_t elsewhere;

static const int32_t *const known[] = {&elsewhere, &elsewhere + 1};

int32_t loop(const uint32_t *own)
{
/*!*/ return *known[*own & 1];
}
#endif
