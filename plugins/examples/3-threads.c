/*
 * The third engine: many threads at once, and values that are handed out without a copy.
 *
 *     cc -shared -fPIC -pthread $(pkg-config --cflags kumo) -o libthreads.so 3-threads.c
 *
 * A hash table in memory. What makes it safe and quick at once: a record never changes, so
 * it is shared instead of copied. The table holds one reference to it, every reader that
 * was given its value another, and who drops the last one frees it. A reader's reference
 * is dropped by a finalizer of its zone, when the host is done with the value.
 *
 * Each bucket has a lock of its own. It is held while a record is looked up or replaced,
 * over the casproc too, which makes comparison and change one step. A scan holds none
 * while its callback runs, so the callback may do whatever it likes.
 */
#include <kumo_storage.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096 /* a power of two */

typedef struct rec {
    struct rec *next; /* under the bucket's lock */
    uint32_t refs;    /* atomic */
    uint32_t klen, vlen;
    char key[]; /* then the value */
} rec;

typedef struct bucket {
    pthread_mutex_t lock;
    rec *head;
} bucket;

typedef struct table {
    bucket buckets[BUCKETS];
    uint64_t rnum; /* atomic */
} table;

/* What for_each shows. */
typedef struct cursor {
    table *table;
    rec *rec;
} cursor;

static const kumo_host *host;

static bool no_memory(void)
{
    host->set_error(KUMO_ERROR_MEMORY, "threads: out of memory");
    return false;
}

/* ---- records ---- */

static rec *rec_new(const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    rec *r = malloc(sizeof *r + klen + vlen);
    if (r == NULL) {
        no_memory();
        return NULL;
    }
    *r = (rec){NULL, 1, klen, vlen};
    memcpy(r->key, key, klen);
    memcpy(r->key + klen, val, vlen);
    return r;
}

static void rec_ref(rec *r)
{
    __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
}

/* Takes a void* to be a finalizer. It may run on any thread, and at any time before close. */
static void rec_unref(void *data)
{
    rec *r = data;
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(r);
    }
}

/* Gives a reference of ours to the zone. False: it would not have it, and it is dropped. */
static bool give(rec *r, struct msgpack_zone *zone)
{
    if (!host->zone_push_finalizer(zone, rec_unref, r)) {
        rec_unref(r);
        return no_memory();
    }
    return true;
}

/* ---- the table ---- */

/* FNV-1a. Who must fear hostile keys takes a seeded hash, such as SipHash. */
static bucket *lock(table *t, const char *key, uint32_t klen)
{
    uint64_t hash = 0xcbf29ce484222325U;
    bucket *b;
    uint32_t i;
    for (i = 0; i < klen; i++) {
        hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3U;
    }
    b = &t->buckets[(hash ^ hash >> 32) & (BUCKETS - 1)];
    pthread_mutex_lock(&b->lock);
    return b;
}

static void unlock(bucket *b)
{
    pthread_mutex_unlock(&b->lock);
}

/* Where the pointer to the record is, or would be. */
static rec **find(bucket *b, const char *key, uint32_t klen)
{
    rec **at = &b->head;
    while (*at != NULL && ((*at)->klen != klen || memcmp((*at)->key, key, klen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void *create(void)
{
    table *t = calloc(1, sizeof *t);
    int i;
    for (i = 0; t != NULL && i < BUCKETS; i++) {
        pthread_mutex_init(&t->buckets[i].lock, NULL);
    }
    if (t == NULL) {
        no_memory();
    }
    return t;
}

static bool open_(void *t, const char *path)
{
    (void)t, (void)path;
    return true;
}

static void close_(void *t)
{
    (void)t;
}

static void destroy(void *data)
{
    table *t = data;
    int i;
    for (i = 0; i < BUCKETS; i++) {
        rec *r, *next;
        for (r = t->buckets[i].head; r != NULL; r = next) {
            next = r->next;
            rec_unref(r);
        }
        pthread_mutex_destroy(&t->buckets[i].lock);
    }
    free(t);
}

static const char *get(void *t, const char *key, uint32_t klen, uint32_t *vlen,
                       struct msgpack_zone *zone)
{
    bucket *b = lock(t, key, klen);
    rec *r = *find(b, key, klen);
    if (r != NULL) {
        rec_ref(r); /* under the lock: now nobody can free it */
    }
    unlock(b);
    if (r == NULL || !give(r, zone)) {
        return NULL;
    }
    *vlen = r->vlen;
    return r->key + klen;
}

/* Puts `r` in the place of the key's record, or with NULL takes that out, if proc agrees. */
static bool change(table *t, const char *key, uint32_t klen, rec *r, kumo_storage_casproc proc,
                   void *arg)
{
    bucket *b = lock(t, key, klen);
    rec **at = find(b, key, klen), *old = *at;
    bool go = old == NULL ? r != NULL : proc == NULL || proc(arg, old->key + klen, old->vlen);
    if (go && r != NULL) {
        r->next = old != NULL ? old->next : NULL;
        *at = r;
    } else if (go) {
        *at = old->next;
    }
    unlock(b);
    if (go && (old == NULL) != (r == NULL)) {
        __atomic_fetch_add(&t->rnum, r != NULL ? 1 : (uint64_t)-1, __ATOMIC_RELAXED);
    }
    /* Outside the lock: what was replaced, or what found no place. */
    old = go ? old : r;
    if (old != NULL) {
        rec_unref(old);
    }
    return go;
}

static bool update(void *t, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                   kumo_storage_casproc proc, void *arg)
{
    rec *r = rec_new(key, klen, val, vlen);
    return r != NULL && change(t, key, klen, r, proc, arg);
}

static bool set(void *t, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update(t, key, klen, val, vlen, NULL, NULL);
}

static bool del(void *t, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    return change(t, key, klen, NULL, proc, arg);
}

static uint64_t rnum(void *t)
{
    return __atomic_load_n(&((table *)t)->rnum, __ATOMIC_RELAXED);
}

/* ---- scans ---- */

/* References to all records of a bucket, in memory of the caller's to free; NULL: none left. */
static rec **list(bucket *b, size_t *n)
{
    rec **found, *r;
    *n = 0;
    pthread_mutex_lock(&b->lock);
    for (r = b->head; r != NULL; r = r->next) {
        ++*n;
    }
    found = malloc((*n + 1) * sizeof *found);
    for (r = b->head, *n = 0; found != NULL && r != NULL; r = r->next) {
        rec_ref(r);
        found[(*n)++] = r;
    }
    unlock(b);
    return found;
}

static int for_each(void *data, void *user, kumo_storage_visit visit)
{
    table *t = data;
    int i, result = 0;
    for (i = 0; i < BUCKETS && result >= 0; i++) {
        size_t at, n;
        rec **found = list(&t->buckets[i], &n);
        if (found == NULL) {
            no_memory();
            return -1;
        }
        for (at = 0; at < n; at++) {
            cursor c = {t, found[at]};
            result = result < 0 ? result : visit(user, &c);
            rec_unref(found[at]);
        }
        free(found);
    }
    return result;
}

static const char *ikey(void *it) { return ((cursor *)it)->rec->key; }
static size_t ikeylen(void *it) { return ((cursor *)it)->rec->klen; }
static const char *ival(void *it) { return ikey(it) + ikeylen(it); }
static size_t ivallen(void *it) { return ((cursor *)it)->rec->vlen; }

static const char *release_key(void *it, struct msgpack_zone *zone)
{
    rec *r = ((cursor *)it)->rec;
    rec_ref(r); /* the scan keeps its own */
    return give(r, zone) ? r->key : NULL;
}

static const char *release_val(void *it, struct msgpack_zone *zone)
{
    rec *r = ((cursor *)it)->rec;
    rec_ref(r);
    return give(r, zone) ? r->key + r->klen : NULL;
}

/* By key: proc is asked about the present value, which may be newer than the one shown. */
static bool idel(void *it, kumo_storage_casproc proc, void *arg)
{
    cursor *c = it;
    return change(c->table, c->rec->key, c->rec->klen, NULL, proc, arg);
}

static bool idel_force(void *it)
{
    return idel(it, NULL, NULL);
}

/* ---- what the host sees ---- */

static const kumo_plugin plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .thread_model = KUMO_THREAD_PARALLEL,
    .caps = KUMO_CAP_VOLATILE | KUMO_CAP_REENTRANT_SCAN,
    .name = "threads",
    .version = "1.0.0",
    .description = "a hash table in memory, for many threads, that copies nothing",
    .op = {.create = create,
           .free = destroy,
           .open = open_,
           .close = close_,
           .get = get,
           .set = set,
           .del = del,
           .update = update,
           .rnum = rnum,
           .for_each = for_each,
           .iterator_key = ikey,
           .iterator_val = ival,
           .iterator_keylen = ikeylen,
           .iterator_vallen = ivallen,
           .iterator_release_key = release_key,
           .iterator_release_val = release_val,
           .iterator_del = idel,
           .iterator_del_force = idel_force},
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *h)
{
    (void)host_abi;
    host = h;
    return &plugin;
}
