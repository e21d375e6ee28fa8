/* System calls of a TinyContainer, for containers in C compiled to WebAssembly or rBPF.
 *
 * A container exports loop, and optionally start and stop:
 *
 *     EXPORT void start(void);    once, when the container is started
 *     EXPORT int32_t loop(void);  every period; a non-zero value ends the start
 *     EXPORT void stop(void);     once, when the container stops
 *
 * A refused call returns a negative number, and the device's owner sees the reason. No call waits: a
 * read returns 0 if there is no data yet.
 */
#ifndef TINYCONTAINER_H
#define TINYCONTAINER_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* rBPF finds its helpers by these names, and WebAssembly its imports. */
#ifdef __bpf__
#define TC_IMPORT(name) extern
#define tc_heartbeat heartbeat
#define tc_open open
#define tc_close close
#define tc_read read
#define tc_write write
#define tc_log logger
#define tc_data_size data_size
#define tc_data_read data_read
#elif defined(__wasm__)
#define TC_IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#else /* compiled for this machine, to be translated for rBPF by llc, or for tests */
#define TC_IMPORT(name) extern
#endif

/* Longest read or write, in bytes. */
#define TC_TRANSFER_BYTES 255

/* Feed the watchdog. After the first heartbeat, every later loop needs one. Returns 0 or -1. */
TC_IMPORT(heartbeat) int32_t tc_heartbeat(void);

/* Open an endpoint of the container's metadata. Returns a descriptor above 0, or a negative number. */
TC_IMPORT(open) int32_t tc_open(uint32_t endpoint_id);

/* Close a descriptor. Returns 0 or a negative number. */
TC_IMPORT(close) int32_t tc_close(int32_t fd);

/* Read up to size bytes (1 to 255). Returns how many were read, or a negative number. */
TC_IMPORT(read) int32_t tc_read(int32_t fd, void *buffer, uint32_t size);

/* Write up to size bytes (1 to 255). Returns how many were written, or a negative number. */
TC_IMPORT(write) int32_t tc_write(int32_t fd, const void *buffer, uint32_t size);

/* Write a line to the device's log. */
TC_IMPORT(logger) void tc_log(const char *line);

/* Length of the container's own data section. Not offered by the C firmware. */
TC_IMPORT(data_size) uint32_t tc_data_size(void);

/* Copy from the data section. Returns how many bytes were copied. Not offered by the C firmware. */
TC_IMPORT(data_read) uint32_t tc_data_read(uint32_t offset, void *buffer, uint32_t size);

/* Length of a string. */
static inline uint32_t tc_length(const char *text)
{
    uint32_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

/* Write a string without its terminating zero. */
static inline int32_t tc_write_text(int32_t fd, const char *text)
{
    return tc_write(fd, text, tc_length(text));
}

/* Room for the digits of a number, its sign, and the terminating zero. */
#define TC_NUMBER_BYTES 12

/* Write a number in decimal digits, and a terminating zero. Returns the length without that zero. */
static inline uint32_t tc_format_number(char text[TC_NUMBER_BYTES], int32_t number)
{
    uint32_t rest = number < 0 ? 0 - (uint32_t)number : (uint32_t)number;
    uint32_t unit = 1;
    uint32_t length = 0;

    while (rest / unit >= 10) {
        unit *= 10;
    }
    if (number < 0) {
        text[length++] = '-';
    }
    for (; unit > 0; unit /= 10) {
        text[length++] = (char)('0' + rest / unit % 10);
    }
    text[length] = '\0';
    return length;
}

/* Inference: an endpoint with the driver tinyml, opened with direction both. The protocol is in
 * specs/tinyml.md. The sequence of calls:
 *
 *     fd = tc_open(ENDPOINT);
 *     tinyml_load_section(fd, offset, size)     the model, from the data section
 *     tinyml_input(fd, 0, input, size)          for each input
 *     tinyml_output(fd, 0, output, size)        computes, and reads
 *
 * All of them return 0 or more for success, otherwise a negative error. In wall time tinyml_output
 * returns TINYML_BUSY until the output is ready: call tinyml_read in a later loop. */

enum {
    TINYML_INVALID_ARGUMENT = -1,
    TINYML_INVALID_ENCODING = -2,
    TINYML_MISSING_MEMORY = -3,
    TINYML_BUSY = -4,
    TINYML_RUNTIME_ERROR = -5,
    TINYML_UNSUPPORTED_OPERATION = -6,
    TINYML_TOO_LARGE = -7,
    TINYML_NOT_FOUND = -8,
    TINYML_TIMEOUT = -9,
    TINYML_SECURITY = -10,
    TINYML_UNKNOWN = -11,
    TINYML_INVALID_STATE = -12,
    TINYML_QUOTA = -13,
};

enum { TINYML_OUTPUT, TINYML_INPUT_INFO, TINYML_OUTPUT_INFO, TINYML_STATUS, TINYML_LAST_ERROR };
enum { TINYML_RESET_INPUTS, TINYML_RESET_MODEL };
enum { TINYML_ANY_TYPE = 255, TINYML_ENCODING_TFLITE = 4, TINYML_KEEP = 2, TINYML_HASH_BYTES = 32 };

/* Numbers of the protocol are little-endian, whatever the target is. */
static inline void tinyml_put_u32(uint8_t *to, uint32_t number)
{
    to[0] = (uint8_t)number;
    to[1] = (uint8_t)(number >> 8);
    to[2] = (uint8_t)(number >> 16);
    to[3] = (uint8_t)(number >> 24);
}

/* Sixteen bytes at a time: rBPF ends a run at its 10,000th branch, and a loop that copies single
 * bytes takes one for each of them. */
static inline void tinyml_copy(uint8_t *to, const uint8_t *from, uint32_t size)
{
    for (; size >= 16; size -= 16) {
        __builtin_memcpy(to, from, 16);
        to += 16;
        from += 16;
    }
    while (size > 0) {
        *to++ = *from++;
        size--;
    }
}

/* Send one frame. Returns 0 if it was accepted, else the error. */
static inline int32_t tinyml_send(int32_t fd, const uint8_t *frame, uint32_t size)
{
    int32_t taken = tc_write(fd, frame, size);

    return taken == (int32_t)size ? 0 : taken < 0 ? taken : TINYML_UNKNOWN;
}

/* LOAD: announce a model of total bytes. Send its bytes with tinyml_model_data. */
static inline int32_t tinyml_begin_model(int32_t fd, uint32_t total, uint8_t flags)
{
    uint8_t frame[8] = {0x10, TINYML_ENCODING_TFLITE, flags, 0};

    tinyml_put_u32(frame + 4, total);
    return tinyml_send(fd, frame, sizeof frame);
}

/* MDATA: send up to 254 bytes of the model. The call with the last bytes returns the verdict. */
static inline int32_t tinyml_model_data(int32_t fd, const void *bytes, uint32_t size)
{
    uint8_t frame[TC_TRANSFER_BYTES];

    if (size >= sizeof frame) {
        return TINYML_INVALID_ARGUMENT;
    }
    frame[0] = 0x11;
    tinyml_copy(frame + 1, bytes, size);
    return tinyml_send(fd, frame, size + 1);
}

/* LOAD and MDATA: send a model that is in the container's data section. */
static inline int32_t tinyml_load_section(int32_t fd, uint32_t offset, uint32_t size, uint8_t flags)
{
    uint8_t frame[TC_TRANSFER_BYTES];
    int32_t error = tinyml_begin_model(fd, size, flags);

    while (error == 0 && size > 0) {
        uint32_t part = size < sizeof frame - 1 ? size : sizeof frame - 1;

        if (tc_data_read(offset, frame + 1, part) != part) {
            return TINYML_INVALID_ARGUMENT;
        }
        frame[0] = 0x11;
        error = tinyml_send(fd, frame, part + 1);
        offset += part;
        size -= part;
    }
    return error;
}

/* LOADH: bind a model that this container loaded before with TINYML_KEEP, by its SHA-256. */
static inline int32_t tinyml_load_kept(int32_t fd, const uint8_t hash[TINYML_HASH_BYTES])
{
    uint8_t frame[4 + TINYML_HASH_BYTES];

    tinyml_put_u32(frame, 0x12);
    tinyml_copy(frame + 4, hash, TINYML_HASH_BYTES);
    return tinyml_send(fd, frame, sizeof frame);
}

/* INPUT and IDATA: send all bytes of an input, in the model's own type and shape. */
static inline int32_t tinyml_input(int32_t fd, uint8_t index, const void *bytes, uint32_t size)
{
    uint8_t frame[TC_TRANSFER_BYTES];
    const uint8_t *next = bytes;
    uint32_t head = 8;
    int32_t error;

    frame[0] = 0x20;
    frame[1] = index;
    frame[2] = TINYML_ANY_TYPE;
    frame[3] = 0;
    tinyml_put_u32(frame + 4, size);
    do {
        uint32_t part = size < sizeof frame - head ? size : (uint32_t)sizeof frame - head;

        tinyml_copy(frame + head, next, part);
        error = tinyml_send(fd, frame, head + part);
        next += part;
        size -= part;
        frame[0] = 0x21;
        head = 1;
    } while (error == 0 && size > 0);
    return error;
}

/* COMPUTE: begin an inference. A timeout of 0 means the quota. The first read also computes. */
static inline int32_t tinyml_compute(int32_t fd, uint16_t timeout_ms)
{
    const uint8_t frame[4] = {0x30, 0, (uint8_t)timeout_ms, (uint8_t)(timeout_ms >> 8)};

    return tinyml_send(fd, frame, sizeof frame);
}

/* SELECT: choose the source of the next tinyml_read calls. */
static inline int32_t tinyml_select(int32_t fd, uint8_t what, uint8_t index, uint32_t offset)
{
    uint8_t frame[8] = {0x40, what, index, 0};

    tinyml_put_u32(frame + 4, offset);
    return tinyml_send(fd, frame, sizeof frame);
}

/* Read up to size bytes of the selected source. Returns how many were read, or an error. */
static inline int32_t tinyml_read(int32_t fd, void *bytes, uint32_t size)
{
    uint8_t *next = bytes;
    uint32_t left = size;

    while (left > 0) {
        int32_t given = tc_read(fd, next, left < TC_TRANSFER_BYTES ? left : TC_TRANSFER_BYTES);

        if (given < 0) {
            return given;
        }
        if (given == 0) {
            break;
        }
        next += given;
        left -= (uint32_t)given;
    }
    return (int32_t)(size - left);
}

/* SELECT and read: read an output, and compute it first if necessary. */
static inline int32_t tinyml_output(int32_t fd, uint8_t index, void *bytes, uint32_t size)
{
    int32_t error = tinyml_select(fd, TINYML_OUTPUT, index, 0);

    return error < 0 ? error : tinyml_read(fd, bytes, size);
}

/* RESET: forget the inputs, or the model (also if it was kept). */
static inline int32_t tinyml_reset(int32_t fd, uint8_t scope)
{
    const uint8_t frame[2] = {0x7f, scope};

    return tinyml_send(fd, frame, sizeof frame);
}

#endif
