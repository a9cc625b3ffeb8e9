/*
 * The reads of tchdb: one key, or all keys of a bucket.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * A bucket is a binary tree of records, by a second hash and the key.
 */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Empty buckets, or few of them, are passed in one hold of the gate. */
#define BUCKETS_AT_ONCE 4096

/* ---- one key ---- */

uint64_t engine_bucket_of(const engine *e, const char *key, size_t keylen)
{
    uint64_t index = 19780211;
    size_t i;
    for (i = 0; i < keylen; i++) {
        index = index * 37 + (unsigned char)key[i];
    }
    return index % e->hdb->bnum;
}

static unsigned char second_hash(const char *key, size_t keylen)
{
    uint32_t hash = 751;
    while (keylen > 0) {
        hash = hash * 31 ^ (unsigned char)key[--keylen];
    }
    return (unsigned char)hash;
}

/* As memcmp; *failed: the record's key cannot be read. */
static int compare(const engine *e, const record *r, const char *key, size_t keylen, bool *failed,
                   engine_fault *f)
{
    size_t done = 0, n;
    char part[1024];
    int order = keylen < r->keylen ? -1 : keylen > r->keylen;
    *failed = false;
    while (order == 0 && done < keylen) {
        n = keylen - done < sizeof part ? keylen - done : sizeof part;
        if (!engine_read_body(e, r, done, part, n, f)) {
            *failed = true;
            return 0;
        }
        order = memcmp(key + done, part, n);
        done += n;
    }
    return order;
}

static engine_found find(const engine *e, const char *key, size_t keylen, record *r,
                         engine_fault *f)
{
    unsigned char hash = second_hash(key, keylen);
    uint64_t at = engine_bucket_link(e, engine_bucket_of(e, key, keylen)), n = 0;
    while (at != 0) {
        bool failed;
        int order;
        if (!engine_read_record(e, r, at, f)) {
            return ENGINE_FAULT;
        }
        if (engine_too_many(e, ++n)) {
            engine_fault_at(f, KUMO_ERROR_CORRUPT, "the links run in a circle", at);
            return ENGINE_FAULT;
        }
        order = (int)hash - (int)r->hash;
        if (order == 0) {
            order = compare(e, r, key, keylen, &failed, f);
            if (failed) {
                return ENGINE_FAULT;
            }
            if (order == 0) {
                return ENGINE_FOUND;
            }
        }
        at = order > 0 ? r->left : r->right;
    }
    return ENGINE_ABSENT;
}

/* Where records are compressed, Tokyo Cabinet reads them: the way to them has been checked. */
static char *read_compressed(engine *e, const char *key, size_t keylen, int *vallen,
                             engine_fault *f)
{
    char *val;
    errno = 0;
    val = tchdbget(e->hdb, key, (int)keylen, vallen);
    if (val != NULL && errno == 0) {
        return val;
    }
    f->code = errno != 0 ? KUMO_ERROR_IO : KUMO_ERROR_CORRUPT;
    snprintf(f->text, sizeof f->text, "a record cannot be decompressed: %s",
             errno != 0 ? strerror(errno) : "it is damaged");
    free(val);
    return NULL;
}

engine_found engine_find(engine *e, const char *key, size_t keylen, char **val, int *vallen,
                         engine_fault *f)
{
    record r;
    engine_found found = find(e, key, keylen, &r, f);
    if (found != ENGINE_FOUND || val == NULL) {
        return found;
    }
    if (e->hdb->zmode) {
        *val = read_compressed(e, key, keylen, vallen, f);
        return *val != NULL ? ENGINE_FOUND : ENGINE_FAULT;
    }
    *vallen = (int)r.vallen;
    *val = malloc((size_t)r.vallen + 1); /* also of nothing, that it is not NULL */
    if (*val == NULL) {
        engine_fault_at(f, KUMO_ERROR_MEMORY, "no memory for the value", r.key_at);
        return ENGINE_FAULT;
    }
    if (!engine_read_body(e, &r, r.keylen, *val, (size_t)r.vallen, f)) {
        free(*val);
        return ENGINE_FAULT;
    }
    return ENGINE_FOUND;
}

static engine_found report(const engine *e, engine_found found, const engine_fault *f)
{
    if (found == ENGINE_FAULT) {
        engine_fail_fault(e, f);
    }
    return found;
}

engine_found engine_look(engine *e, const char *key, size_t keylen, char **val, int *vallen)
{
    engine_fault f;
    return report(e, engine_find(e, key, keylen, val, vallen, &f), &f);
}

engine_found engine_walk(engine *e, const char *key, size_t keylen)
{
    record r;
    engine_fault f;
    engine_found found = find(e, key, keylen, &r, &f);
    if (found == ENGINE_FOUND) {
        uint64_t size = r.keylen + r.vallen + r.padding, done;
        char part[4096];
        for (done = r.n; done < size && found == ENGINE_FOUND; done += sizeof part) {
            size_t n = size - done < sizeof part ? (size_t)(size - done) : sizeof part;
            found = engine_read_body(e, &r, done, part, n, &f) ? ENGINE_FOUND : ENGINE_FAULT;
        }
    }
    return report(e, found, &f);
}

engine_found engine_head(engine *e, const char *key, size_t keylen, char *to, size_t *n)
{
    record r;
    engine_fault f;
    char *val;
    int vallen;
    engine_found found;
    if (e->hdb->zmode) {
        found = engine_look(e, key, keylen, &val, &vallen);
        if (found == ENGINE_FOUND) {
            *n = *n < (size_t)vallen ? *n : (size_t)vallen;
            memcpy(to, val, *n);
            free(val);
        }
        return found;
    }
    found = find(e, key, keylen, &r, &f);
    if (found == ENGINE_FOUND) {
        *n = *n < r.vallen ? *n : (size_t)r.vallen;
        found = engine_read_body(e, &r, r.keylen, to, *n, &f) ? ENGINE_FOUND : ENGINE_FAULT;
    }
    return report(e, found, &f);
}

/* ---- the gate ---- */

bool engine_enter(engine *e)
{
    pthread_rwlock_rdlock(&e->gate);
    if (e->broken) {
        pthread_rwlock_unlock(&e->gate);
        return engine_fail(KUMO_ERROR_IO,
                           "tchdb: a change of %s failed and could not be undone; restart the "
                           "server: opening undoes it",
                           e->path);
    }
    return true;
}

void engine_leave(engine *e)
{
    pthread_rwlock_unlock(&e->gate);
}

void engine_settle_after(engine *e)
{
    if (engine_is_fatal(e)) {
        pthread_mutex_lock(&e->writers);
        pthread_rwlock_wrlock(&e->gate);
        engine_settle(e);
        pthread_rwlock_unlock(&e->gate);
        pthread_mutex_unlock(&e->writers);
    }
}

char *engine_get(engine *e, const char *key, uint32_t keylen, int *vallen, bool *failed)
{
    char *val = NULL;
    engine_found found;
    *failed = false;
    if (keylen > RECORD_MAX) {
        return NULL; /* none is so long */
    }
    if (!engine_enter(e)) {
        *failed = true;
        return NULL;
    }
    found = engine_look(e, key, keylen, &val, vallen);
    engine_leave(e);
    if (found == ENGINE_FAULT) {
        engine_settle_after(e);
        *failed = true;
    }
    return found == ENGINE_FOUND ? val : NULL;
}

/* ---- all keys, by bucket ---- */

void engine_bucket_free(bucket *b)
{
    free(b->keys);
    free(b->waiting);
}

/* Makes room in the list for `size` more bytes behind `used`. */
static bool grow(void **list, size_t *room, size_t used, size_t size)
{
    if (used + size > *room) {
        size_t more = *room * 2 > used + size ? *room * 2 : used + size + 1024;
        void *grown = realloc(*list, more);
        if (grown == NULL) {
            return false;
        }
        *list = grown;
        *room = more;
    }
    return true;
}

static bool push(bucket *b, uint64_t at)
{
    void *list = b->waiting;
    bool good = grow(&list, &b->waiting_room, b->nwaiting * sizeof at, sizeof at);
    b->waiting = list;
    if (good && at != 0) {
        b->waiting[b->nwaiting++] = at;
    }
    return good || engine_fault_at(&b->fault, KUMO_ERROR_MEMORY, "no memory for the records", at);
}

static bool add_key(const engine *e, bucket *b, const record *r)
{
    void *keys = b->keys;
    uint32_t length = (uint32_t)r->keylen;
    bool good = grow(&keys, &b->room, b->used, sizeof length + length);
    b->keys = keys;
    if (!good) {
        return engine_fault_at(&b->fault, KUMO_ERROR_MEMORY, "no memory for the key", r->key_at);
    }
    memcpy(b->keys + b->used, &length, sizeof length);
    if (!engine_read_body(e, r, 0, b->keys + b->used + sizeof length, length, &b->fault)) {
        return false;
    }
    b->used += sizeof length + length;
    b->count++;
    return true;
}

static bool read_bucket(const engine *e, bucket *b, uint64_t index)
{
    record r;
    b->count = 0;
    b->used = 0;
    b->nwaiting = 0;
    if (!push(b, engine_bucket_link(e, index))) {
        return false;
    }
    while (b->nwaiting > 0) {
        uint64_t at = b->waiting[--b->nwaiting];
        if (engine_too_many(e, b->count)) {
            return engine_fault_at(&b->fault, KUMO_ERROR_CORRUPT, "the links run in a circle", at);
        }
        if (!engine_read_record(e, &r, at, &b->fault) || !add_key(e, b, &r) || !push(b, r.left) ||
            !push(b, r.right)) {
            return false;
        }
    }
    return true;
}

bool engine_bucket_next(const engine *e, bucket *b, uint64_t *index)
{
    uint64_t end = *index + BUCKETS_AT_ONCE;
    end = end < e->hdb->bnum ? end : e->hdb->bnum;
    b->count = 0;
    b->used = 0;
    while (*index < end && b->count == 0) {
        if (!read_bucket(e, b, (*index)++)) {
            return false;
        }
    }
    return true;
}

const char *engine_bucket_key(const bucket *b, size_t *at, uint32_t *keylen)
{
    const char *key = b->keys + *at + sizeof *keylen;
    memcpy(keylen, b->keys + *at, sizeof *keylen);
    *at += sizeof *keylen + *keylen;
    return key;
}
