/*
 * memcached/util.h: the small functions that engines take from memcached's utilities. They
 * are inline here: an engine needs no library for them.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MEMCACHED_UTIL_H
#define MEMCACHED_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * A number in decimal, with white space perhaps before and behind it. False: it is none, or
 * out of range, and *out is 0.
 */
static inline bool safe_number_ends(const char *str, const char *end)
{
    return end != str && errno == 0 && strchr(" \t\r\n", *end) != NULL;
}

static inline bool safe_strtoull(const char *str, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(str, &end, 10);
    /* strtoull takes -1 for the greatest number. */
    if (safe_number_ends(str, end) && memchr(str, '-', (size_t)(end - str)) == NULL) {
        return true;
    }
    *out = 0;
    return false;
}

static inline bool safe_strtoll(const char *str, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(str, &end, 10);
    if (safe_number_ends(str, end)) {
        return true;
    }
    *out = 0;
    return false;
}

static inline bool safe_strtoul(const char *str, uint32_t *out)
{
    uint64_t number;
    bool well = safe_strtoull(str, &number) && number <= UINT32_MAX;
    *out = well ? (uint32_t)number : 0;
    return well;
}

static inline bool safe_strtol(const char *str, int32_t *out)
{
    int64_t number;
    bool well = safe_strtoll(str, &number) && number >= INT32_MIN && number <= INT32_MAX;
    *out = well ? (int32_t)number : 0;
    return well;
}

static inline bool safe_strtof(const char *str, float *out)
{
    char *end;
    errno = 0;
    *out = strtof(str, &end);
    if (safe_number_ends(str, end)) {
        return true;
    }
    *out = 0;
    return false;
}

/* To network order and back, for 64 bits: systems have it for 32. */
#ifndef HAVE_HTONLL
static inline uint64_t htonll(uint64_t number)
{
    unsigned char bytes[8];
    int i;
    for (i = 7; i >= 0; i--) {
        bytes[i] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
    memcpy(&number, bytes, sizeof number);
    return number;
}

static inline uint64_t ntohll(uint64_t number)
{
    unsigned char bytes[8];
    int i;
    memcpy(bytes, &number, sizeof number);
    number = 0;
    for (i = 0; i < 8; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}
#endif

#endif
