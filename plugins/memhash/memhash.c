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

#define SHARDS 64 /* a power of two */
#define FIRST_BUCKETS 16 /* a power of two */

typedef struct shard {
    /* A plain mutex: it is held for no longer than a reader-writer lock takes to lock. */
    pthread_mutex_t lock;
    record **buckets;
    size_t nbuckets; /* a power of two */
    size_t count;
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

/* ---- records ---- */

static record *record_new(const char *key, uint32_t keylen, const char *val, uint32_t vallen)
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

static const char *record_val(const record *rec)
{
    return rec->bytes + rec->keylen;
}

/* Whoever calls this holds a reference already, or the lock of the shard that does. */
static record *record_ref(record *rec)
{
    __atomic_fetch_add(&rec->refs, 1, __ATOMIC_RELAXED);
    return rec;
}

/* Takes a void* to be a finalizer. */
static void record_unref(void *data)
{
    record *rec = data;
    if (__atomic_sub_fetch(&rec->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(rec);
    }
}

/* Gives the zone a reference. False: it could not take it. */
static bool record_pin(record *rec, msgpack_zone *zone)
{
    if (!msgpack_zone_push_finalizer(zone, record_unref, record_ref(rec))) {
        record_unref(rec);
        return memhash_fail_memory();
    }
    return true;
}

/* ---- the table ---- */

/*
 * SipHash-1-3, seeded at random: whoever chooses the keys cannot choose where they go,
 * and so cannot make one long chain of them.
 */
#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = ROTL(v[1], 13) ^ v[0];
    v[0] = ROTL(v[0], 32);
    v[2] += v[3];
    v[3] = ROTL(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = ROTL(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = ROTL(v[1], 17) ^ v[2];
    v[2] = ROTL(v[2], 32);
}

static uint64_t hash_key(const memhash *table, const char *key, uint32_t keylen)
{
    uint64_t v[4] = {
        table->seed[0] ^ 0x736f6d6570736575U, table->seed[1] ^ 0x646f72616e646f6dU,
        table->seed[0] ^ 0x6c7967656e657261U, table->seed[1] ^ 0x7465646279746573U};
    uint64_t word;
    uint32_t left = keylen;
    for (; left >= 8; left -= 8, key += 8) {
        memcpy(&word, key, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, key, left);
    word ^= (uint64_t)keylen << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* By upper bits of the hash: the buckets within a shard go by the lower ones. */
static shard *shard_lock(memhash *table, uint64_t hash)
{
    shard *s = &table->shards[hash >> 32 & (SHARDS - 1)];
    pthread_mutex_lock(&s->lock);
    return s;
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
    rec->next = old != NULL ? old->next : NULL;
    *at = rec;
    if (old == NULL && ++s->count > s->nbuckets) {
        shard_grow(s);
    }
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
        *at = old->next;
        s->count--;
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

/* At one moment: every shard is locked while the references are taken. */
bool memhash_list(memhash *table, record ***list, size_t *n)
{
    size_t i, count = 0;
    for (i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&table->shards[i].lock);
        count += table->shards[i].count;
    }
    *n = 0;
    *list = malloc((count + 1) * sizeof **list);
    for (i = 0; i < SHARDS; i++) {
        if (*list != NULL) {
            *n += shard_list(&table->shards[i], *list + *n);
        }
    }
    for (i = 0; i < SHARDS; i++) {
        pthread_mutex_unlock(&table->shards[i].lock);
    }
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
    const char *val = NULL;
    if (rec == NULL) {
        return NULL; /* a miss: no error is set */
    }
    if (record_pin(rec, zone)) {
        *result_vallen = rec->vallen;
        val = record_val(rec);
    }
    record_unref(rec);
    return val;
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

static uint64_t kumo_memhash_rnum(void *data)
{
    memhash *table = data;
    uint64_t n = 0;
    size_t i;
    for (i = 0; i < SHARDS; i++) {
        shard *s = &table->shards[i];
        pthread_mutex_lock(&s->lock);
        n += s->count;
        pthread_mutex_unlock(&s->lock);
    }
    return n;
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
    return record_pin(rec, zone) ? rec->bytes : NULL;
}

static const char *kumo_memhash_iterator_release_val(void *iterator_data, msgpack_zone *zone)
{
    record *rec = ((cursor *)iterator_data)->rec;
    return record_pin(rec, zone) ? record_val(rec) : NULL;
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

/* ---- what the host sees ---- */

static const kumo_plugin kumo_memhash_plugin = {
    sizeof(kumo_plugin),
    KUMO_ABI_VERSION,
    KUMO_THREAD_PARALLEL,
    0,
    "memhash",
    "1.0.0",
    "a hash table in memory; nothing is saved when it closes",
    {
        kumo_memhash_create,
        kumo_memhash_free,
        kumo_memhash_open,
        kumo_memhash_close,
        kumo_memhash_get,
        kumo_memhash_get_header,
        kumo_memhash_set,
        kumo_memhash_del,
        kumo_memhash_update,
        NULL, /* updatev: the host does without */
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
