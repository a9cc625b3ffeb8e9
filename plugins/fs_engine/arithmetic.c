/*
 * incr and decr, in one step.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "fs_engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 20 /* of 2^64 - 1 */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * As memcached reads a number, with strtoull: white space, a sign, digits, and behind them
 * the end, white space or a NUL, and then anything. Behind a minus it takes only what is
 * not large once it is negated, such as 0.
 */
static bool number_of(const fs_item *item, uint64_t *number)
{
    size_t i = 0, digits;
    bool negative = false;
    *number = 0;
    while (i < item->nbytes && is_space(item->data[i])) {
        i++;
    }
    if (i < item->nbytes && (item->data[i] == '-' || item->data[i] == '+')) {
        negative = item->data[i++] == '-';
    }
    for (digits = i; i < item->nbytes && item->data[i] >= '0' && item->data[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(item->data[i] - '0');
        if (*number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *number = *number * 10 + digit;
    }
    if (i == digits || (i < item->nbytes && item->data[i] != 0 && !is_space(item->data[i]))) {
        return false;
    }
    if (negative) {
        *number = 0 - *number;
        return *number <= INT64_MAX;
    }
    return true;
}

/* Stores a number, in the place of `old` if that is not NULL, with spaces to its length. */
static ENGINE_ERROR_CODE put_number(fs_engine *e, const char *path, fs_meta *meta, fs_item *old,
                                    uint64_t number, uint64_t *cas)
{
    char text[DIGITS + 1];
    struct iovec pieces[2] = {{NULL, 0}, {NULL, 0}};
    ENGINE_ERROR_CODE code;
    pieces[0].iov_base = text;
    pieces[0].iov_len = (size_t)snprintf(text, sizeof text, "%" PRIu64, number);
    if (old != NULL && pieces[0].iov_len < old->nbytes) {
        pieces[1].iov_base = memset(old->data, ' ', old->nbytes);
        pieces[1].iov_len = old->nbytes - pieces[0].iov_len;
    }
    meta->cas = FS_ADD(e->cas, 1) + 1;
    code = fs_put(e, path, pieces, 2, meta, old != NULL ? &old->nbytes : NULL);
    if (code == ENGINE_SUCCESS) {
        FS_ADD(e->stats.total, 1);
        *cas = meta->cas;
    }
    return code;
}

ENGINE_ERROR_CODE fs_arithmetic(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                const int nkey, const bool increment, const bool create,
                                const uint64_t delta, const uint64_t initial,
                                const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                uint16_t vbucket)
{
    fs_engine *e = (fs_engine *)handle;
    char path[FS_PATH_MAX];
    pthread_mutex_t *lock = fs_lock(e, path, key, (size_t)nkey);
    fs_item *old = NULL;
    uint64_t number = initial;
    ENGINE_ERROR_CODE code;
    (void)cookie;
    (void)vbucket;
    if (lock == NULL) {
        return ENGINE_EINVAL;
    }
    code = fs_look(e, path, &old);
    if (code == ENGINE_SUCCESS && !number_of(old, &number)) {
        code = ENGINE_EINVAL;
    } else if (code == ENGINE_SUCCESS) {
        number = increment ? number + delta : number > delta ? number - delta : 0;
        code = put_number(e, path, &old->meta, old, number, cas);
    } else if (code == ENGINE_KEY_ENOENT && create) {
        fs_meta meta = {0, fs_expiry(e, exptime), 0};
        code = put_number(e, path, &meta, NULL, initial, cas);
    }
    pthread_mutex_unlock(lock);
    free(old);
    if (code == ENGINE_SUCCESS) {
        *result = number;
    }
    return code;
}
