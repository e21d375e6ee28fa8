/* Fletcher's checksum of 16-bit words over the data section, in the firmware's form: the one function
 * begins with the text and takes the address and the length in bytes. An odd last byte is left out. */
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

enum { WORDS_PER_FOLD = 256 };

static inline __attribute__((always_inline)) uint64_t fold(uint64_t sum)
{
    return (sum & 0xffff) + (sum >> 16);
}

uint32_t fletcher32(const uint16_t *words, uint64_t bytes)
{
    uint64_t count = bytes / 2, low = 0xffff, high = 0xffff;

    while (count > 0) {
        uint64_t some = count < WORDS_PER_FOLD ? count : WORDS_PER_FOLD;

        count -= some;
        do {
            low += *words++;
            high += low;
        } while (--some > 0);
        low = fold(low);
        high = fold(high);
    }
    return (uint32_t)(fold(high) << 16 | fold(low));
}
