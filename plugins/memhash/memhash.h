/*
 * What the two files of memhash share: memhash.c, the table, and dump.c, its dumps.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MEMHASH_H
#define MEMHASH_H

#include <kumo_storage.h>

#include <stdlib.h>
#include <string.h>

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

static inline record *record_new(const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    record *rec = malloc(sizeof *rec + keylen + vallen);
    if (rec == NULL) {
        memhash_fail_memory();
        return NULL;
    }
    rec->refs = 1;
    rec->keylen = keylen;
    rec->vallen = vallen;
    memcpy(rec->bytes, key, keylen);
    memcpy(rec->bytes + keylen, val, vallen);
    return rec;
}

static inline const char *record_val(const record *rec)
{
    return rec->bytes + rec->keylen;
}

/* Whoever calls this holds a reference already, or the lock of the shard that does. */
static inline record *record_ref(record *rec)
{
    __atomic_fetch_add(&rec->refs, 1, __ATOMIC_RELAXED);
    return rec;
}

/* Takes a void* to be a finalizer. */
static inline void record_unref(void *data)
{
    record *rec = data;
    if (__atomic_sub_fetch(&rec->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(rec);
    }
}

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
