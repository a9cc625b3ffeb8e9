/*
 * What the two files of memhash share: memhash.c, the table, and dump.c, its dumps.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MEMHASH_H
#define MEMHASH_H

#include <kumo_storage.h>

typedef struct memhash memhash;

typedef struct record {
    struct record *next; /* in its bucket; under the shard's lock */
    uint64_t hash;
    uint32_t refs; /* atomic */
    uint32_t keylen;
    uint32_t vallen;
    char bytes[]; /* the key, then the value */
} record;

/* Keeps the text for error(), and tells the host that this call failed. Returns false. */
bool memhash_fail(kumo_error code, const char *format, ...);
bool memhash_fail_memory(void);

/* As memhash_fail, for a call to the operating system that left `err` in errno. */
bool memhash_fail_os(int err, const char *what, const char *path);

/* The operation `set`; `data` is a memhash. */
bool kumo_memhash_set(void *data, const char *key, uint32_t keylen, const char *val,
                      uint32_t vallen);

/* References to all records at one moment, and their end. */
bool memhash_list(memhash *table, record ***list, size_t *n);
void memhash_unref_list(record **list, size_t n);

/* Loads the dump at `path`, if there is one. */
bool memhash_load(memhash *table, const char *path);

/* Writes a dump to `dst`, which must not exist. Nothing is left behind on failure. */
bool memhash_dump(record **list, size_t n, const char *dst);

#endif
