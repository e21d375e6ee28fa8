/* System calls of a TinyContainer, for containers in C compiled to WebAssembly or rBPF.
 *
 * A container exports loop, and if it likes start and stop:
 *
 *     EXPORT void start(void);    once, when the container is started
 *     EXPORT int32_t loop(void);  every period; non-zero ends the container
 *     EXPORT void stop(void);     once, when it ends
 *
 * Every call returns a negative number if it was refused; the device's owner sees why. No call
 * waits: a read that has nothing to give returns 0.
 */
#ifndef TINYCONTAINER_H
#define TINYCONTAINER_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* rBPF finds its helpers by these names, WebAssembly its imports. */
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
#else
#define TC_IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#endif

/* Longest read or write. */
#define TC_TRANSFER_BYTES 255

/* Feed the watchdog; from the loop after the first one on, every loop has to. 0 or -1. */
TC_IMPORT(heartbeat) int32_t tc_heartbeat(void);

/* Open an endpoint of the container's metadata. A descriptor above 0, or a negative number. */
TC_IMPORT(open) int32_t tc_open(uint32_t endpoint_id);

/* Close a descriptor. 0 or -1. */
TC_IMPORT(close) int32_t tc_close(int32_t fd);

/* Read up to size bytes (1 to 255). How many there were, or a negative number. */
TC_IMPORT(read) int32_t tc_read(int32_t fd, void *buffer, uint32_t size);

/* Write up to size bytes (1 to 255). How many were taken, or a negative number. */
TC_IMPORT(write) int32_t tc_write(int32_t fd, const void *buffer, uint32_t size);

/* Write a line to the device's log. */
TC_IMPORT(logger) void tc_log(const char *line);

/* Length of the container's own data section. Not offered by the C firmware. */
TC_IMPORT(data_size) uint32_t tc_data_size(void);

/* Copy from the data section; how many bytes were copied. Not offered by the C firmware. */
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

/* Write a string without its end. */
static inline int32_t tc_write_text(int32_t fd, const char *text)
{
    return tc_write(fd, text, tc_length(text));
}

#endif
