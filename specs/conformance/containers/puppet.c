/* A container that does what its script says, and logs what every call gave.
 *
 * The script stands in the text below, where the builder of the suite writes it; nothing else of the
 * module differs between two cases. It has up to three parts, each begun by a letter and ended by a
 * semicolon: S start hook, L loop, T stop hook. The loop's part may have several groups with | in
 * between: one for each loop, the last one again and again. Blanks are skipped. Words:
 *
 *     o1       open endpoint 1; the descriptor is kept as the next of fd 0, 1, 2, ...
 *     c0       close fd 0                     c#7      close descriptor number 7, whoever owns it
 *     r0,4     read up to 4 bytes from fd 0   r#7,4    ... from descriptor number 7
 *     w0,4     write 4 bytes (abcd...)        w#7,4    ... to descriptor number 7
 *     h        heartbeat                      m        log the data section
 *     n        log the number of this loop    'text'   log a text
 *     y300     log a line of 300 letters      b5       work: about 5,000 instructions
 *     x1       the loop returns 1             B        work without end
 *     t        trap                           p0       read from fd 0 to outside of the memory
 */
#include "tinycontainer.h"

#define SCRIPT_BYTES 400

static char script[SCRIPT_BYTES] = "@SCRIPT@";
static int32_t descriptors[16];
static uint32_t opened, loops;
static char line[400], buffer[320];
static uint32_t length;

static void say_text(const char *text)
{
    while (*text != '\0' && length < sizeof line - 1) {
        line[length++] = *text++;
    }
}

static void say_number(int32_t number)
{
    char digits[12];
    uint32_t count = 0, rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;

    if (number < 0) {
        say_text("-");
    }
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    while (count != 0) {
        line[length++] = digits[--count];
    }
}

static void end_line(void)
{
    line[length] = '\0';
    tc_log(line);
    length = 0;
}

static void say(const char *call, int32_t subject, int32_t result)
{
    say_text(call);
    if (subject >= 0) {
        say_text(" ");
        say_number(subject);
    }
    say_text(" = ");
    say_number(result);
}

static uint32_t number(const char **at)
{
    uint32_t value = 0;

    while (**at >= '0' && **at <= '9') {
        value = value * 10 + (uint32_t)(*(*at)++ - '0');
    }
    return value;
}

static int32_t signed_number(const char **at)
{
    if (**at == '-') {
        ++*at;
        return -(int32_t)number(at);
    }
    return (int32_t)number(at);
}

static int32_t descriptor(const char **at)
{
    if (**at == '#') {
        ++*at;
        return signed_number(at);
    }
    return descriptors[number(at) % 16];
}

static uint32_t second(const char **at)
{
    if (**at == ',') {
        ++*at;
    }
    return number(at);
}

static void do_read(const char **at)
{
    int32_t fd = descriptor(at);
    uint32_t size = second(at);
    int32_t result = tc_read(fd, buffer, size);

    say("read", (int32_t)size, result);
    if (result > 0) {
        say_text(" ");
        buffer[result] = '\0';
        say_text(buffer);
    }
    end_line();
}

static void do_write(const char **at)
{
    int32_t fd = descriptor(at);
    uint32_t size = second(at);

    for (uint32_t i = 0; i < size && i < sizeof buffer; i++) {
        buffer[i] = (char)('a' + i % 26);
    }
    say("write", (int32_t)size, tc_write(fd, buffer, size));
    end_line();
}

static void do_open(const char **at)
{
    uint32_t endpoint = number(at);

    descriptors[opened % 16] = tc_open(endpoint);
    say("open", (int32_t)endpoint, descriptors[opened++ % 16]);
    end_line();
}

static void work(uint32_t thousands)
{
    volatile uint32_t count = thousands * 125;

    while (count != 0) {
        count--;
    }
}

static void say_quoted(const char **at)
{
    while (**at != '\'' && **at != '\0') {
        line[length++] = *(*at)++;
    }
    ++*at;
    end_line();
}

static void say_letters(uint32_t count)
{
    while (count-- != 0 && length < sizeof line - 1) {
        line[length++] = 'z';
    }
    end_line();
}

#ifndef FIRMWARE
static void say_data(void)
{
    uint32_t size = tc_data_size();

    say("data", -1, (int32_t)size);
    if (tc_data_read(0, buffer, size < 64 ? size : 64) != 0) {
        say_text(" ");
        buffer[size < 64 ? size : 64] = '\0';
        say_text(buffer);
    }
    end_line();
}
#endif

static int32_t perform(const char *at)
{
    int32_t result = 0;

    while (*at != ';' && *at != '|' && *at != '\0') {
        switch (*at++) {
        case 'o': do_open(&at); break;
        case 'r': do_read(&at); break;
        case 'w': do_write(&at); break;
        case 'c': say("close", -1, tc_close(descriptor(&at))); end_line(); break;
#ifndef FIRMWARE
        case 'h': say("heartbeat", -1, tc_heartbeat()); end_line(); break;
        case 'm': say_data(); break;
#endif
        case 'n': say_text("loop "); say_number((int32_t)loops); end_line(); break;
        case '\'': say_quoted(&at); break;
        case 'y': say_letters(number(&at)); break;
        case 'b': work(number(&at)); break;
        case 'x': result = signed_number(&at); break;
        case 'B': for (;;) { work(1); }
        case 't': __builtin_trap();
        case 'p': tc_read(descriptor(&at), (void *)0x7fffff00, 16); break;
        default: break;
        }
    }
    return result;
}

static const char *part(char letter)
{
    const char *at = script;

    while (*at != '\0') {
        if (*at == letter) {
            return at + 1;
        }
        while (*at != ';' && *at != '\0') {
            at++;
        }
        while (*at == ';' || *at == ' ') {
            at++;
        }
    }
    return at;
}

static const char *group(const char *at, uint32_t wanted)
{
    const char *found = at;

    while (wanted != 0 && *at != ';' && *at != '\0') {
        if (*at++ == '|') {
            found = at;
            wanted--;
        }
    }
    return found;
}

EXPORT void start(void)
{
    perform(part('S'));
}

EXPORT int32_t loop(void)
{
    loops++;
    return perform(group(part('L'), loops - 1));
}

EXPORT void stop(void)
{
    perform(part('T'));
}
