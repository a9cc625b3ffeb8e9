/*
 * The walks of tchdb over all records: for_each, its iterators, verify.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * They go by bucket. Tokyo Cabinet has one iterator for all, which goes by place in the
 * file, where records move while they grow, and tells no end from an error. But a key
 * stays in its bucket for ever: a bucket's keys are listed while no writer is in, and
 * shown when readers and writers go on. So every record that is there throughout is
 * shown once, and of memory it takes one bucket's keys.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool engine_check(engine *e, uint64_t *count)
{
    bucket b = {0};
    uint64_t index = 0;
    bool good = true;
    *count = 0;
    while (good && index < e->hdb->bnum) {
        good = engine_bucket_next(e, &b, &index);
        *count += b.count;
    }
    if (!good) {
        engine_fail_fault(e, &b.fault);
    }
    engine_bucket_free(&b);
    return good;
}

/* ---- for_each ---- */

/* What for_each shows. The key belongs to the bucket's list, and outlives what is released. */
typedef struct cursor {
    engine *e;
    const char *key;
    uint32_t keylen;
    char *val;
    int vallen;
    bool val_released;
} cursor;

static int show(engine *e, const bucket *b, void *user, kumo_storage_visit func)
{
    size_t at = 0;
    int result = 0;
    while (at < b->used && result >= 0) {
        cursor c = {.e = e};
        bool failed = false;
        c.key = engine_bucket_key(b, &at, &c.keylen);
        c.val = engine_get(e, c.key, c.keylen, &c.vallen, &failed);
        if (c.val != NULL) {
            result = func(user, &c);
            if (!c.val_released) {
                free(c.val);
            }
        } else if (failed) {
            result = -1;
        } /* else it has been deleted meanwhile */
    }
    return result;
}

int kumo_tchdb_for_each(void *data, void *user, kumo_storage_visit func)
{
    engine *e = data;
    bucket b = {0};
    uint64_t index = 0, bnum = e->hdb->bnum; /* it does not change */
    int result = 0;
    while (result >= 0 && index < bnum) {
        bool good;
        if (!engine_enter(e)) {
            result = -1;
            break;
        }
        good = engine_bucket_next(e, &b, &index);
        engine_leave(e);
        if (!good) {
            engine_fail_fault(e, &b.fault);
            result = -1;
        } else if (b.count > 0) {
            result = show(e, &b, user, func);
        }
    }
    engine_bucket_free(&b);
    return result < 0 ? result : 0;
}

const char *kumo_tchdb_iterator_key(void *iterator_data)
{
    return ((cursor *)iterator_data)->key;
}

const char *kumo_tchdb_iterator_val(void *iterator_data)
{
    return ((cursor *)iterator_data)->val;
}

size_t kumo_tchdb_iterator_keylen(void *iterator_data)
{
    return ((cursor *)iterator_data)->keylen;
}

size_t kumo_tchdb_iterator_vallen(void *iterator_data)
{
    return (size_t)((cursor *)iterator_data)->vallen;
}

static char *release(char *bytes, msgpack_zone *zone)
{
    if (bytes == NULL || !msgpack_zone_push_finalizer(zone, free, bytes)) {
        engine_fail_memory();
        return NULL;
    }
    return bytes;
}

static char *release_copy(const char *bytes, size_t n, msgpack_zone *zone)
{
    char *copy = malloc(n + 1), *released;
    if (copy != NULL) {
        memcpy(copy, bytes, n);
    }
    released = release(copy, zone);
    if (released == NULL) {
        free(copy);
    }
    return released;
}

const char *kumo_tchdb_iterator_release_key(void *iterator_data, msgpack_zone *zone)
{
    const cursor *c = iterator_data;
    return release_copy(c->key, c->keylen, zone);
}

const char *kumo_tchdb_iterator_release_val(void *iterator_data, msgpack_zone *zone)
{
    cursor *c = iterator_data;
    if (c->val_released) { /* again, and perhaps to another zone */
        return release_copy(c->val, (size_t)c->vallen, zone);
    }
    c->val_released = release(c->val, zone) != NULL;
    return c->val_released ? c->val : NULL;
}

/* By key: the value may have changed since, and proc is asked about the present one. */
bool kumo_tchdb_iterator_del(void *iterator_data, kumo_storage_casproc proc, void *casdata)
{
    const cursor *c = iterator_data;
    return kumo_tchdb_del(c->e, c->key, c->keylen, proc, casdata);
}

bool kumo_tchdb_iterator_del_force(void *iterator_data)
{
    return kumo_tchdb_iterator_del(iterator_data, NULL, NULL);
}

/* ---- verify ---- */

/* Faults are reported when the gate is open again: who hears of them may take his time. */
typedef struct verification {
    engine *e;
    kumo_verify_report report;
    void *user;
    int64_t faults;
} verification;

static void found_fault(verification *v, const char *text)
{
    v->report(v->user, text);
    v->faults++;
}

/* Whether every key is where it will be sought. With the gate. */
static bool keys_in_place(engine *e, bucket *b)
{
    size_t at = 0;
    while (at < b->used) {
        uint32_t keylen;
        const char *key = engine_bucket_key(b, &at, &keylen);
        switch (engine_find(e, key, keylen, NULL, NULL, &b->fault)) {
        case ENGINE_FOUND:
            break;
        case ENGINE_ABSENT:
            snprintf(b->fault.text, sizeof b->fault.text, "a record is in the wrong place");
            return false;
        case ENGINE_FAULT:
            return false;
        }
    }
    return true;
}

static void verify_values(verification *v, const bucket *b)
{
    size_t at = 0;
    while (at < b->used) {
        uint32_t keylen;
        const char *key = engine_bucket_key(b, &at, &keylen);
        engine_fault f;
        engine_found found;
        char *val;
        int vallen;
        if (!engine_enter(v->e)) {
            return; /* and the next bucket says so */
        }
        found = engine_find(v->e, key, keylen, &val, &vallen, &f);
        engine_leave(v->e);
        if (found == ENGINE_FOUND) {
            free(val);
        } else if (found == ENGINE_FAULT) { /* absent: deleted meanwhile */
            engine_settle_after(v->e);
            found_fault(v, f.text);
        }
    }
}

int64_t kumo_tchdb_verify(void *data, kumo_verify_report report, void *user)
{
    engine *e = data;
    verification v = {e, report, user, 0};
    bucket b = {0};
    uint64_t index = 0, bnum = e->hdb->bnum, count = 0, rnum = 0, changes = 0;
    bool first = true, same = true;
    while (index < bnum) {
        bool good;
        if (!engine_enter(e)) {
            engine_bucket_free(&b);
            return -1;
        }
        good = engine_bucket_next(e, &b, &index) && keys_in_place(e, &b);
        same = same && (first || changes == e->changes);
        changes = e->changes;
        rnum = e->hdb->rnum;
        engine_leave(e);
        first = false;
        count += b.count;
        if (!good) {
            found_fault(&v, b.fault.text);
        } else {
            verify_values(&v, &b);
        }
    }
    engine_bucket_free(&b);
    if (same && v.faults == 0 && count != rnum) {
        char text[128];
        snprintf(text, sizeof text, "it says that it has %llu records, and has %llu",
                 (unsigned long long)rnum, (unsigned long long)count);
        found_fault(&v, text);
    }
    return v.faults;
}
