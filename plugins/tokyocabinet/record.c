/*
 * The records of tchdb: reads Tokyo Cabinet's file, and trusts none of it.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * Tokyo Cabinet takes a pread that fails for one that succeeded (it compares -1 with an
 * unsigned length), and goes by what was in its buffer before: it gives back garbage, or
 * follows a link that leads back to itself for ever. A link to a freed block, as a kill of
 * the original leaves it, does the same. So what is read, and the way that a change will
 * take, is read here first, and checked; Tokyo Cabinet finds it in the page cache then.
 *
 * This follows Tokyo Cabinet's specification of the file format.
 */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A record: magic 1, hash 1, left and right 4 or 8 each, padding 2, the two lengths. */
#define MAGIC_RECORD 0xc8
#define LENGTH_MAX 5

bool engine_fault_at(engine_fault *f, kumo_error code, const char *what, uint64_t at)
{
    f->code = code;
    snprintf(f->text, sizeof f->text, "%s at byte %llu", what, (unsigned long long)at);
    return false;
}

bool engine_fail_fault(const engine *e, const engine_fault *f)
{
    return engine_fail(f->code, "tchdb: cannot read %s: %s%s", e->path, f->text,
                       f->code == KUMO_ERROR_CORRUPT
                           ? "; rebuild it with: tchmgr optimize, or use a backup"
                           : "");
}

bool engine_read_at(int fd, void *buffer, size_t n, uint64_t at)
{
    char *to = buffer;
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got == 0) {
            errno = EIO; /* the file is shorter than it says */
        }
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        if (got > 0) {
            to += got;
            n -= (size_t)got;
            at += (uint64_t)got;
        }
    }
    return true;
}

/* From the mapping, where there is one. What is read lies within the file. */
static bool read_file(const engine *e, void *buffer, size_t n, uint64_t at, engine_fault *f)
{
    if (at + n <= e->hdb->xmsiz) {
        memcpy(buffer, e->hdb->map + at, n);
        return true;
    }
    return engine_read_at(e->fd, buffer, n, at) ||
           engine_fault_at(f, KUMO_ERROR_IO, strerror(errno), at);
}

uint64_t engine_number(const engine *e, const void *from, size_t width)
{
    const unsigned char *bytes = from;
    uint64_t number = 0;
    size_t i;
    for (i = 0; i < width; i++) {
        number = number << 8 | bytes[e->big_endian ? i : width - 1 - i];
    }
    return number;
}

/* Groups of 7 bits, lowest first; all but the last are stored as their complement. */
static size_t read_length(const char *from, size_t n, uint64_t *length)
{
    size_t i;
    *length = 0;
    for (i = 0; i < n && i < LENGTH_MAX; i++) {
        signed char byte = (signed char)from[i];
        *length |= (uint64_t)(byte >= 0 ? byte : -(byte + 1)) << 7 * i;
        if (byte >= 0) {
            return i + 1;
        }
    }
    return 0;
}

bool engine_read_record(const engine *e, record *r, uint64_t at, engine_fault *f)
{
    const TCHDB *hdb = e->hdb;
    size_t width = hdb->ba64 != NULL ? 8 : 4, head = 2 + 2 * width + 2, n, step;
    uint64_t left;
    if (at < hdb->frec || at >= hdb->fsiz) {
        return engine_fault_at(f, KUMO_ERROR_CORRUPT, "a link leads out of the file,", at);
    }
    left = hdb->fsiz - at;
    n = left < sizeof r->bytes ? (size_t)left : sizeof r->bytes;
    if (!read_file(e, r->bytes, n, at, f)) {
        return false;
    }
    if (n < head || (unsigned char)r->bytes[0] != MAGIC_RECORD) {
        return engine_fault_at(f, KUMO_ERROR_CORRUPT, "a link leads to no record", at);
    }
    r->hash = (unsigned char)r->bytes[1];
    r->left = engine_number(e, r->bytes + 2, width) << hdb->apow;
    r->right = engine_number(e, r->bytes + 2 + width, width) << hdb->apow;
    r->padding = engine_number(e, r->bytes + head - 2, 2);
    step = read_length(r->bytes + head, n - head, &r->keylen);
    head += step;
    step = step == 0 ? 0 : read_length(r->bytes + head, n - head, &r->vallen);
    head += step;
    if (step == 0 || head + r->keylen + r->vallen + r->padding > left ||
        r->keylen + r->vallen > INT32_MAX) {
        return engine_fault_at(f, KUMO_ERROR_CORRUPT, "a record's lengths cannot be,", at);
    }
    r->key_at = at + head;
    r->start = r->bytes + head;
    r->n = n - head;
    return true;
}

/* n bytes of the key, the value and the padding, from `from` on. */
bool engine_read_body(const engine *e, const record *r, uint64_t from, char *to, size_t n,
                      engine_fault *f)
{
    size_t here = from < r->n ? r->n - (size_t)from : 0;
    here = here < n ? here : n;
    memcpy(to, r->start + (here > 0 ? from : 0), here);
    return here == n || read_file(e, to + here, n - here, r->key_at + from + here, f);
}

uint64_t engine_bucket_link(const engine *e, uint64_t index)
{
    const TCHDB *hdb = e->hdb;
    return (hdb->ba64 != NULL ? engine_number(e, hdb->ba64 + index, 8)
                              : engine_number(e, hdb->ba32 + index, 4))
           << hdb->apow;
}

/* More records than there are, or than there is room for: a circle. */
bool engine_too_many(const engine *e, uint64_t n)
{
    return n > e->hdb->fsiz / 8 || n / 2 > e->hdb->rnum + 1000;
}
