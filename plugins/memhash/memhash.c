/*
 * memhash: a hash table in memory, as a storage plugin for kumo.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * It is a cache, and an example: what an engine in C looks like, with nothing but
 * libc and the public header. NOTHING IS SAVED when it closes. A dump that backup
 * wrote is loaded by open, where one stands at the path; the file is only read.
 *
 * The table is cut into shards, each with a lock of its own. A record never changes
 * once it is in the table: a write puts a new one in its place. So a record is shared,
 * not copied. The table holds one reference to it, every reader that was given its
 * value another, and who drops the last one frees it.
 */
#define _POSIX_C_SOURCE 200809L

#include "memhash.h"
#include "siphash.h"

#ifdef USE_MSGPACK_C
#include <msgpack.h>
#else
#include <compat/msgpack.h>
#endif

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS 64 /* a power of two, and the bits of a `which` */
#define FIRST_BUCKETS 16 /* a power of two */

typedef struct shard {
    /* A plain mutex: it is held for no longer than a reader-writer lock takes to lock. */
    pthread_mutex_t lock;
    record **buckets;
    size_t nbuckets; /* a power of two */
    size_t count;
    uint64_t bytes; /* of keys and values */
} shard;

struct memhash {
    uint64_t seed[2];
    shard shards[SHARDS];
};

/* What for_each shows to its callback. */
typedef struct cursor {
    memhash *table;
    record *rec;
} cursor;

/* ---- errors ---- */

static const kumo_host *the_host; /* set once, before any other call; NULL: a classic host */
static __thread char last_error[512];

/* A host may be older than this file: what lies beyond its struct_size is not there. */
#define HOST_HAS(member)                                                                           \
    (the_host != NULL &&                                                                           \
     the_host->struct_size >= offsetof(kumo_host, member) + sizeof the_host->member &&             \
     the_host->member != NULL)

bool memhash_fail(kumo_error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof last_error, format, args);
    va_end(args);
    if (HOST_HAS(set_error)) {
        the_host->set_error(code, last_error);
    }
    return false;
}

bool memhash_fail_memory(void)
{
    return memhash_fail(KUMO_ERROR_MEMORY, "memhash: out of memory");
}

bool memhash_fail_os(int err, const char *what, const char *path)
{
    bool full = err == ENOSPC || err == EDQUOT || err == EFBIG;
    char text[128];
    if (strerror_r(err, text, sizeof text) != 0) {
        snprintf(text, sizeof text, "error %d", err);
    }
    return memhash_fail(full ? KUMO_ERROR_FULL : KUMO_ERROR_IO, "memhash: cannot %s %s: %s", what,
                        path, text);
}

/* ---- the table ---- */

/* Gives the caller's reference to the zone. False: it could not take it, and it is gone. */
static bool record_give(record *rec, msgpack_zone *zone)
{
    if (!msgpack_zone_push_finalizer(zone, record_unref, rec)) {
        record_unref(rec);
        return memhash_fail_memory();
    }
    return true;
}

static uint64_t hash_key(const memhash *table, const char *key, uint32_t keylen)
{
    return siphash(table->seed, key, keylen);
}

/* By upper bits of the hash: the buckets within a shard go by the lower ones. */
static size_t shard_of(uint64_t hash)
{
    return hash >> 32 & (SHARDS - 1);
}

static shard *shard_lock(memhash *table, uint64_t hash)
{
    shard *s = &table->shards[shard_of(hash)];
    pthread_mutex_lock(&s->lock);
    return s;
}

/* Locks several shards, a bit of `which` for each. Always in one order: no deadlock. */
static void shards_lock(memhash *table, uint64_t which)
{
    size_t i;
    for (i = 0; i < SHARDS; i++) {
        if (which >> i & 1) {
            pthread_mutex_lock(&table->shards[i].lock);
        }
    }
}

static void shards_unlock(memhash *table, uint64_t which)
{
    size_t i;
    for (i = 0; i < SHARDS; i++) {
        if (which >> i & 1) {
            pthread_mutex_unlock(&table->shards[i].lock);
        }
    }
}

/* Where the pointer to the record stands, or where that of a new one belongs. */
static record **shard_find(shard *s, uint64_t hash, const char *key, uint32_t keylen)
{
    record **at = &s->buckets[hash & (s->nbuckets - 1)];
    while (*at != NULL && ((*at)->hash != hash || (*at)->keylen != keylen ||
                           memcmp((*at)->bytes, key, keylen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

/* Doubles the buckets. Where there is no memory, the chains grow longer instead. */
static void shard_grow(shard *s)
{
    size_t i, nbuckets = s->nbuckets * 2;
    record **buckets = calloc(nbuckets, sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    for (i = 0; i < s->nbuckets; i++) {
        record *rec = s->buckets[i];
        while (rec != NULL) {
            record *next = rec->next;
            record **head = &buckets[rec->hash & (nbuckets - 1)];
            rec->next = *head;
            *head = rec;
            rec = next;
        }
    }
    free(s->buckets);
    s->buckets = buckets;
    s->nbuckets = nbuckets;
}

/* Puts `rec` in the place of what `at` points to, or takes that out. Returns what was there. */
static record *shard_swap(shard *s, record **at, record *rec)
{
    record *old = *at;
    if (rec != NULL) {
        rec->next = old != NULL ? old->next : NULL;
        *at = rec;
        s->count++;
        s->bytes += (uint64_t)rec->keylen + rec->vallen;
    } else if (old != NULL) {
        *at = old->next;
    }
    if (old != NULL) {
        s->count--;
        s->bytes -= (uint64_t)old->keylen + old->vallen;
    }
    if (s->count > s->nbuckets) {
        shard_grow(s);
    }
    return old;
}

/* Puts a reference to every record of the shard into `list`. Returns how many. */
static size_t shard_list(shard *s, record **list)
{
    size_t i, n = 0;
    for (i = 0; i < s->nbuckets; i++) {
        record *rec;
        for (rec = s->buckets[i]; rec != NULL; rec = rec->next) {
            list[n++] = record_ref(rec);
        }
    }
    return n;
}

void memhash_unref_list(record **list, size_t n)
{
    while (n > 0) {
        record_unref(list[--n]);
    }
    free(list);
}

/* A reference to the record, or NULL. */
static record *table_get(memhash *table, const char *key, uint32_t keylen)
{
    uint64_t hash = hash_key(table, key, keylen);
    shard *s = shard_lock(table, hash);
    record *rec = *shard_find(s, hash, key, keylen);
    if (rec != NULL) {
        record_ref(rec);
    }
    pthread_mutex_unlock(&s->lock);
    return rec;
}

/* Stores a record where none is, and where one is if proc agrees; no proc always does. */
static bool kumo_memhash_update(void *data, const char *key, uint32_t keylen, const char *val,
                                uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    memhash *table = data;
    /* Before the lock: it may be large. */
    record *rec = record_new(key, keylen, val, vallen);
    record *old, **at;
    shard *s;
    if (rec == NULL) {
        return false;
    }
    rec->hash = hash_key(table, key, keylen);
    s = shard_lock(table, rec->hash);
    at = shard_find(s, rec->hash, key, keylen);
    old = *at;
    if (old != NULL && proc != NULL && !proc(casdata, record_val(old), old->vallen)) {
        pthread_mutex_unlock(&s->lock);
        record_unref(rec);
        return false;
    }
    shard_swap(s, at, rec);
    pthread_mutex_unlock(&s->lock);
    if (old != NULL) {
        record_unref(old);
    }
    return true;
}

/* Deletes a record if there is one and proc agrees; no proc always does. */
static bool kumo_memhash_del(void *data, const char *key, uint32_t keylen,
                             kumo_storage_casproc proc, void *casdata)
{
    memhash *table = data;
    uint64_t hash = hash_key(table, key, keylen);
    shard *s = shard_lock(table, hash);
    record **at = shard_find(s, hash, key, keylen);
    record *old = *at;
    bool agreed = old != NULL && (proc == NULL || proc(casdata, record_val(old), old->vallen));
    if (agreed) {
        shard_swap(s, at, NULL);
    }
    pthread_mutex_unlock(&s->lock);
    if (agreed) {
        record_unref(old);
    }
    return agreed;
}

bool kumo_memhash_set(void *data, const char *key, uint32_t keylen, const char *val,
                      uint32_t vallen)
{
    return kumo_memhash_update(data, key, keylen, val, vallen, NULL, NULL);
}

static int kumo_memhash_updatev(void *data, const char **keys, const size_t *keylens,
                                const char **vals, const size_t *vallens, uint16_t num)
{
    int i;
    for (i = 0; i < num; i++) {
        if (!kumo_memhash_set(data, keys[i], (uint32_t)keylens[i], vals[i],
                              (uint32_t)vallens[i])) {
            break;
        }
    }
    return i;
}

/* At one moment: every shard is locked while the references are taken. */
bool memhash_list(memhash *table, record ***list, size_t *n)
{
    size_t i, count = 0;
    shards_lock(table, UINT64_MAX);
    for (i = 0; i < SHARDS; i++) {
        count += table->shards[i].count;
    }
    *n = 0;
    *list = malloc((count + 1) * sizeof **list);
    for (i = 0; *list != NULL && i < SHARDS; i++) {
        *n += shard_list(&table->shards[i], *list + *n);
    }
    shards_unlock(table, UINT64_MAX);
    return *list != NULL || memhash_fail_memory();
}

/* ---- the operations ---- */

static void kumo_memhash_free(void *data)
{
    memhash *table = data;
    size_t i, n;
    for (n = 0; n < SHARDS; n++) {
        shard *s = &table->shards[n];
        for (i = 0; s->buckets != NULL && i < s->nbuckets; i++) {
            record *rec = s->buckets[i];
            while (rec != NULL) {
                record *next = rec->next;
                record_unref(rec);
                rec = next;
            }
        }
        free(s->buckets);
        pthread_mutex_destroy(&s->lock);
    }
    free(table);
}

static void *kumo_memhash_create(void)
{
    memhash *table = calloc(1, sizeof *table);
    bool ok = true;
    size_t i;
    if (table == NULL) {
        memhash_fail_memory();
        return NULL;
    }
    for (i = 0; i < SHARDS; i++) {
        shard *s = &table->shards[i];
        pthread_mutex_init(&s->lock, NULL);
        s->nbuckets = FIRST_BUCKETS;
        s->buckets = calloc(s->nbuckets, sizeof *s->buckets);
        ok = ok && s->buckets != NULL;
    }
    if (!ok) {
        memhash_fail_memory();
    } else if (getentropy(table->seed, sizeof table->seed) != 0) {
        ok = memhash_fail_os(errno, "read", "random bytes");
    }
    if (!ok) {
        kumo_memhash_free(table);
        return NULL;
    }
    return table;
}

static bool kumo_memhash_open(void *data, const char *path)
{
    const char *parameters = strchr(path, '#');
    if (parameters != NULL) {
        return memhash_fail(KUMO_ERROR_INVALID, "memhash: it takes no parameters; remove \"%s\"",
                            parameters);
    }
    return memhash_load(data, path);
}

static void kumo_memhash_close(void *data)
{
    (void)data; /* there is nothing to save, and free is next */
}

static const char *kumo_memhash_get(void *data, const char *key, uint32_t keylen,
                                    uint32_t *result_vallen, msgpack_zone *zone)
{
    record *rec = table_get(data, key, keylen);
    if (rec == NULL) {
        return NULL; /* a miss: no error is set */
    }
    if (!record_give(rec, zone)) {
        return NULL;
    }
    *result_vallen = rec->vallen;
    return record_val(rec);
}

static int32_t kumo_memhash_get_header(void *data, const char *key, uint32_t keylen,
                                       char *result_val, uint32_t vallen)
{
    record *rec = table_get(data, key, keylen);
    if (rec == NULL) {
        return -1;
    }
    vallen = vallen < rec->vallen ? vallen : rec->vallen;
    vallen = vallen < INT32_MAX ? vallen : INT32_MAX;
    memcpy(result_val, record_val(rec), vallen);
    record_unref(rec);
    return (int32_t)vallen;
}

static void table_count(memhash *table, uint64_t *records, uint64_t *bytes, uint64_t *buckets)
{
    size_t i;
    *records = *bytes = *buckets = 0;
    for (i = 0; i < SHARDS; i++) {
        shard *s = &table->shards[i];
        pthread_mutex_lock(&s->lock);
        *records += s->count;
        *bytes += s->bytes;
        *buckets += s->nbuckets;
        pthread_mutex_unlock(&s->lock);
    }
}

static uint64_t kumo_memhash_rnum(void *data)
{
    uint64_t records, bytes, buckets;
    table_count(data, &records, &bytes, &buckets);
    return records;
}

static bool kumo_memhash_backup(void *data, const char *dstpath)
{
    record **list;
    size_t n;
    bool ok;
    if (!memhash_list(data, &list, &n)) {
        return false;
    }
    ok = memhash_dump(list, n, dstpath);
    memhash_unref_list(list, n);
    return ok;
}

static const char *kumo_memhash_error(void *data)
{
    (void)data;
    return last_error;
}

/*
 * Lists a shard under its lock and shows it without: the callback may do anything, and
 * is shown each record as it was when the shard's turn came.
 */
static int kumo_memhash_for_each(void *data, void *user, kumo_storage_visit func)
{
    memhash *table = data;
    size_t i, at, n;
    int result = 0;
    for (i = 0; i < SHARDS && result >= 0; i++) {
        shard *s = &table->shards[i];
        record **list;
        pthread_mutex_lock(&s->lock);
        list = malloc((s->count + 1) * sizeof *list);
        n = list != NULL ? shard_list(s, list) : 0;
        pthread_mutex_unlock(&s->lock);
        if (list == NULL) {
            memhash_fail_memory();
            return -1;
        }
        for (at = 0; at < n && result >= 0; at++) {
            cursor c = {table, list[at]};
            result = func(user, &c);
        }
        memhash_unref_list(list, n);
    }
    return result < 0 ? result : 0;
}

static const char *kumo_memhash_iterator_key(void *iterator_data)
{
    return ((cursor *)iterator_data)->rec->bytes;
}

static const char *kumo_memhash_iterator_val(void *iterator_data)
{
    return record_val(((cursor *)iterator_data)->rec);
}

static size_t kumo_memhash_iterator_keylen(void *iterator_data)
{
    return ((cursor *)iterator_data)->rec->keylen;
}

static size_t kumo_memhash_iterator_vallen(void *iterator_data)
{
    return ((cursor *)iterator_data)->rec->vallen;
}

static const char *kumo_memhash_iterator_release_key(void *iterator_data, msgpack_zone *zone)
{
    record *rec = ((cursor *)iterator_data)->rec;
    return record_give(record_ref(rec), zone) ? rec->bytes : NULL;
}

static const char *kumo_memhash_iterator_release_val(void *iterator_data, msgpack_zone *zone)
{
    record *rec = ((cursor *)iterator_data)->rec;
    return record_give(record_ref(rec), zone) ? record_val(rec) : NULL;
}

/* By key: the value may have changed since it was listed, and proc is asked about the present. */
static bool kumo_memhash_iterator_del(void *iterator_data, kumo_storage_casproc proc, void *casdata)
{
    const cursor *c = iterator_data;
    return kumo_memhash_del(c->table, c->rec->bytes, c->rec->keylen, proc, casdata);
}

static bool kumo_memhash_iterator_del_force(void *iterator_data)
{
    return kumo_memhash_iterator_del(iterator_data, NULL, NULL);
}

/* ---- beyond the table ---- */

static bool kumo_memhash_stats(void *data, kumo_stats_add add, void *user)
{
    static const char *const names[] = {"records", "bytes", "buckets"};
    uint64_t numbers[3];
    char text[32];
    size_t i;
    table_count(data, &numbers[0], &numbers[1], &numbers[2]);
    for (i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)numbers[i]);
        add(user, names[i], text);
    }
    return true;
}

static bool kumo_memhash_getv(void *data, const char *const *keys, const uint32_t *keylens,
                              uint32_t num, const char **vals, uint32_t *vallens,
                              msgpack_zone *zone)
{
    uint32_t i;
    for (i = 0; i < num; i++) {
        record *rec = table_get(data, keys[i], keylens[i]);
        if (rec != NULL && !record_give(rec, zone)) {
            return false;
        }
        vals[i] = rec != NULL ? record_val(rec) : NULL;
        vallens[i] = rec != NULL ? rec->vallen : 0;
    }
    return true;
}

/* Whatever can fail is done first; then all shards concerned are locked, and nobody sees a part. */
static bool kumo_memhash_batch(void *data, const kumo_change *changes, size_t num)
{
    memhash *table = data;
    record **recs = calloc(num + 1, sizeof *recs); /* to put in; then, those taken out */
    uint64_t which = 0;
    bool ok = recs != NULL;
    size_t i;
    for (i = 0; ok && i < num; i++) {
        const kumo_change *c = &changes[i];
        /* For a delete too: it holds the key's hash. */
        recs[i] = record_new(c->key, (uint32_t)c->keylen, c->val != NULL ? c->val : "",
                             c->val != NULL ? (uint32_t)c->vallen : 0);
        ok = recs[i] != NULL;
        if (ok) {
            recs[i]->hash = hash_key(table, c->key, (uint32_t)c->keylen);
            which |= (uint64_t)1 << shard_of(recs[i]->hash);
        }
    }
    if (ok) {
        shards_lock(table, which);
        for (i = 0; i < num; i++) {
            record *rec = recs[i];
            shard *s = &table->shards[shard_of(rec->hash)];
            record **at = shard_find(s, rec->hash, rec->bytes, rec->keylen);
            recs[i] = shard_swap(s, at, changes[i].val != NULL ? rec : NULL);
            if (changes[i].val == NULL) {
                free(rec);
            }
        }
        shards_unlock(table, which);
    }
    for (i = 0; recs != NULL && i < num; i++) {
        if (recs[i] != NULL) {
            record_unref(recs[i]);
        }
    }
    free(recs);
    return ok || memhash_fail_memory();
}

/* ---- what the host sees ---- */

static const kumo_plugin kumo_memhash_plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .thread_model = KUMO_THREAD_PARALLEL,
    .caps = KUMO_CAP_VOLATILE | KUMO_CAP_REENTRANT_SCAN,
    .name = "memhash",
    .version = "1.1.0",
    .description = "a hash table in memory; nothing is saved when it closes",
    .op = {
        kumo_memhash_create,
        kumo_memhash_free,
        kumo_memhash_open,
        kumo_memhash_close,
        kumo_memhash_get,
        kumo_memhash_get_header,
        kumo_memhash_set,
        kumo_memhash_del,
        kumo_memhash_update,
        kumo_memhash_updatev,
        kumo_memhash_rnum,
        kumo_memhash_backup,
        kumo_memhash_error,
        kumo_memhash_for_each,
        kumo_memhash_iterator_key,
        kumo_memhash_iterator_val,
        kumo_memhash_iterator_keylen,
        kumo_memhash_iterator_vallen,
        kumo_memhash_iterator_release_key,
        kumo_memhash_iterator_release_val,
        kumo_memhash_iterator_del,
        kumo_memhash_iterator_del_force,
    },
    .stats = kumo_memhash_stats,
    .getv = kumo_memhash_getv,
    .batch = kumo_memhash_batch,
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    (void)host_abi; /* struct_size says what the host has */
    the_host = host;
    return &kumo_memhash_plugin;
}

/* For a host that knows nothing but the table. */
kumo_storage_op kumo_storage_init(void)
{
    return kumo_memhash_plugin.op;
}
