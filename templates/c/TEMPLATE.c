/*
 * TEMPLATE: a storage engine for kumo.
 *
 * It begins as a hash table in memory, so that it works from the first day: make it
 * yours. vendor/include/kumo_storage.h is the manual.
 *
 * One lock guards the table: many readers, or one writer. A record never changes once it
 * is in the table: a write puts a new one in its place. So nothing is copied for a reader.
 * The table holds one reference to a record, every reader another, and whoever drops the
 * last one frees it.
 */
#define _POSIX_C_SOURCE 200809L

#include <kumo_storage.h>
#include <compat/msgpack.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024 /* a power of two */

typedef struct record {
    struct record *next;
    atomic_uint refs;
    uint64_t hash;
    uint32_t keylen, vallen;
    char bytes[]; /* the key, then the value */
} record;

typedef struct engine {
    pthread_rwlock_t lock;
    record **buckets;
    size_t nbuckets, count;
} engine;

/* ---- errors ---- */

static const kumo_host *host; /* set once, before any other call */

/* This is how a failure is told from a miss. */
static void no_memory(void)
{
    host->set_error(KUMO_ERROR_MEMORY, "TEMPLATE: out of memory");
}

/* ---- records ---- */

static uint64_t hash_of(const char *key, uint32_t keylen)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    uint32_t i;
    for (i = 0; i < keylen; i++) {
        hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3;
    }
    return hash ^ hash >> 32;
}

static record *record_new(const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    record *rec = malloc(sizeof *rec + keylen + vallen);
    if (rec == NULL) {
        no_memory();
        return NULL;
    }
    atomic_init(&rec->refs, 1);
    rec->hash = hash_of(key, keylen);
    rec->keylen = keylen;
    rec->vallen = vallen;
    memcpy(rec->bytes, key, keylen);
    memcpy(rec->bytes + keylen, val, vallen);
    return rec;
}

static void record_unref(void *data)
{
    record *rec = data;
    if (atomic_fetch_sub(&rec->refs, 1) == 1) {
        free(rec);
    }
}

static const char *record_val(const record *rec)
{
    return rec->bytes + rec->keylen;
}

/* ---- the table ---- */

/* Where the pointer to the record stands, or where that of a new one belongs. */
static record **find(engine *e, uint64_t hash, const char *key, uint32_t keylen)
{
    record **at = &e->buckets[hash & (e->nbuckets - 1)];
    while (*at != NULL && ((*at)->hash != hash || (*at)->keylen != keylen ||
                           memcmp((*at)->bytes, key, keylen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

/* Doubles the buckets. Where there is no memory, the chains grow longer instead. */
static void grow(engine *e)
{
    size_t i, nbuckets = e->nbuckets * 2;
    record **buckets = calloc(nbuckets, sizeof *buckets);
    for (i = 0; buckets != NULL && i < e->nbuckets; i++) {
        record *rec = e->buckets[i], *next;
        for (; rec != NULL; rec = next) {
            record **head = &buckets[rec->hash & (nbuckets - 1)];
            next = rec->next;
            rec->next = *head;
            *head = rec;
        }
    }
    if (buckets != NULL) {
        free(e->buckets);
        e->buckets = buckets;
        e->nbuckets = nbuckets;
    }
}

/* References to all records. NULL: no memory. */
static record **list(engine *e, size_t *n)
{
    record **all, *rec;
    size_t i;
    *n = 0;
    pthread_rwlock_rdlock(&e->lock);
    all = malloc((e->count + 1) * sizeof *all);
    for (i = 0; all != NULL && i < e->nbuckets; i++) {
        for (rec = e->buckets[i]; rec != NULL; rec = rec->next) {
            atomic_fetch_add(&rec->refs, 1);
            all[(*n)++] = rec;
        }
    }
    pthread_rwlock_unlock(&e->lock);
    return all;
}

/* ---- the operations ---- */

static void *kumo_TEMPLATE_create(void)
{
    engine *e = calloc(1, sizeof *e);
    if (e == NULL) {
        no_memory();
        return NULL;
    }
    pthread_rwlock_init(&e->lock, NULL);
    return e;
}

static void kumo_TEMPLATE_free(void *data)
{
    engine *e = data;
    size_t i;
    for (i = 0; i < e->nbuckets; i++) {
        record *rec = e->buckets[i], *next;
        for (; rec != NULL; rec = next) {
            next = rec->next;
            record_unref(rec);
        }
    }
    free(e->buckets);
    pthread_rwlock_destroy(&e->lock);
    free(e);
}

static bool kumo_TEMPLATE_open(void *data, const char *path)
{
    engine *e = data;
    (void)path; /* what is in memory has no file */
    e->buckets = calloc(FIRST_BUCKETS, sizeof *e->buckets);
    if (e->buckets == NULL) {
        no_memory();
        return false; /* free is next */
    }
    e->nbuckets = FIRST_BUCKETS;
    return true;
}

static void kumo_TEMPLATE_close(void *data)
{
    (void)data; /* there is nothing to save, and free is next */
}

static const char *kumo_TEMPLATE_get(void *data, const char *key, uint32_t keylen,
                                     uint32_t *result_vallen, msgpack_zone *zone)
{
    engine *e = data;
    record *rec;
    pthread_rwlock_rdlock(&e->lock);
    rec = *find(e, hash_of(key, keylen), key, keylen);
    if (rec != NULL) {
        atomic_fetch_add(&rec->refs, 1);
    }
    pthread_rwlock_unlock(&e->lock);
    if (rec == NULL) {
        return NULL; /* a miss: no error is set */
    }
    /* The reference is the zone's now: the value stays until the host clears that. */
    if (!msgpack_zone_push_finalizer(zone, record_unref, rec)) {
        record_unref(rec);
        no_memory();
        return NULL;
    }
    *result_vallen = rec->vallen;
    return record_val(rec);
}

/* Stores a record where none is, and where one is if proc agrees. No proc always does. */
static bool kumo_TEMPLATE_update(void *data, const char *key, uint32_t keylen, const char *val,
                                 uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    engine *e = data;
    record *rec = record_new(key, keylen, val, vallen); /* before the lock: it may be large */
    record **at, *old;
    bool agreed;
    if (rec == NULL) {
        return false;
    }
    pthread_rwlock_wrlock(&e->lock);
    at = find(e, rec->hash, key, keylen);
    old = *at;
    agreed = old == NULL || proc == NULL || proc(casdata, record_val(old), old->vallen);
    if (agreed) {
        rec->next = old != NULL ? old->next : NULL;
        *at = rec;
        e->count += old == NULL;
        if (e->count > e->nbuckets) {
            grow(e);
        }
    }
    pthread_rwlock_unlock(&e->lock);
    if (!agreed) {
        record_unref(rec);
    } else if (old != NULL) {
        record_unref(old);
    }
    return agreed;
}

static bool kumo_TEMPLATE_set(void *data, const char *key, uint32_t keylen, const char *val,
                              uint32_t vallen)
{
    return kumo_TEMPLATE_update(data, key, keylen, val, vallen, NULL, NULL);
}

static bool kumo_TEMPLATE_del(void *data, const char *key, uint32_t keylen,
                              kumo_storage_casproc proc, void *casdata)
{
    engine *e = data;
    record **at, *old;
    bool agreed;
    pthread_rwlock_wrlock(&e->lock);
    at = find(e, hash_of(key, keylen), key, keylen);
    old = *at;
    agreed = old != NULL && proc(casdata, record_val(old), old->vallen);
    if (agreed) {
        *at = old->next;
        e->count--;
    }
    pthread_rwlock_unlock(&e->lock);
    if (agreed) {
        record_unref(old);
    }
    return agreed;
}

static uint64_t kumo_TEMPLATE_rnum(void *data)
{
    engine *e = data;
    uint64_t n;
    pthread_rwlock_rdlock(&e->lock);
    n = e->count;
    pthread_rwlock_unlock(&e->lock);
    return n;
}

/* No lock is held while a record is shown, so the callback may take its time. */
static int kumo_TEMPLATE_for_each(void *data, void *user, kumo_storage_visit func)
{
    size_t i, n;
    record **all = list(data, &n);
    int result = 0;
    if (all == NULL) {
        no_memory();
        return -1;
    }
    for (i = 0; i < n; i++) {
        if (result >= 0) {
            result = func(user, all[i]);
        }
        record_unref(all[i]);
    }
    free(all);
    return result < 0 ? result : 0;
}

static const char *kumo_TEMPLATE_iterator_key(void *iterator_data)
{
    return ((record *)iterator_data)->bytes;
}

static const char *kumo_TEMPLATE_iterator_val(void *iterator_data)
{
    return record_val(iterator_data);
}

static size_t kumo_TEMPLATE_iterator_keylen(void *iterator_data)
{
    return ((record *)iterator_data)->keylen;
}

static size_t kumo_TEMPLATE_iterator_vallen(void *iterator_data)
{
    return ((record *)iterator_data)->vallen;
}

/* ---- what the host sees ---- */

static const kumo_plugin plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .thread_model = KUMO_THREAD_PARALLEL,
    .caps = KUMO_CAP_VOLATILE | KUMO_CAP_REENTRANT_SCAN,
    .name = "TEMPLATE",
    .version = "0.1.0",
    .description = "a hash table in memory; nothing is saved when it closes",
    /* In the order of kumofs. Where a slot is NULL, the host does without. */
    .op = {
        kumo_TEMPLATE_create,
        kumo_TEMPLATE_free,
        kumo_TEMPLATE_open,
        kumo_TEMPLATE_close,
        kumo_TEMPLATE_get,
        NULL, /* get_header */
        kumo_TEMPLATE_set,
        kumo_TEMPLATE_del,
        kumo_TEMPLATE_update,
        NULL, /* updatev */
        kumo_TEMPLATE_rnum,
        NULL, /* backup: what is volatile has none */
        NULL, /* error: set_error says it all */
        kumo_TEMPLATE_for_each,
        kumo_TEMPLATE_iterator_key,
        kumo_TEMPLATE_iterator_val,
        kumo_TEMPLATE_iterator_keylen,
        kumo_TEMPLATE_iterator_vallen,
        NULL, /* iterator_release_key */
        NULL, /* iterator_release_val */
        NULL, /* iterator_del */
        NULL, /* iterator_del_force */
    },
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *services)
{
    (void)host_abi; /* all services of the first version are there */
    host = services;
    return &plugin;
}
