/*
 * A module as kumofs's are: against msgpack-c's own header, in its naming, with updatev
 * NULL and one text for every error. A hash table of 256 chains, under one lock.
 *
 * Values are copied into the zone by turns with msgpack_zone_malloc and with a finalizer,
 * so both of msgpack-c's inline functions write the host's zone.
 */
#include <msgpack.h>
#include <kumo_storage.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct rec {
    struct rec *next;
    unsigned refs; /* under the lock: one of the chain, and one of each scan that shows it */
    uint32_t keylen, vallen;
    char bytes[];
} rec;

typedef struct table {
    pthread_mutex_t lock; /* recursive: a scan's callback may delete */
    rec *chains[256];
    uint64_t rnum;
    unsigned turn;
} table;

typedef struct cursor {
    table *table;
    rec *rec;
} cursor;

static void *kumo_classic_create(void)
{
    table *t = calloc(1, sizeof *t);
    pthread_mutexattr_t recursive;
    if (t != NULL) {
        pthread_mutexattr_init(&recursive);
        pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&t->lock, &recursive);
    }
    return t;
}

static void kumo_classic_free(void *data)
{
    table *t = data;
    int i;
    for (i = 0; i < 256; i++) {
        while (t->chains[i] != NULL) {
            rec *r = t->chains[i];
            t->chains[i] = r->next;
            free(r);
        }
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static bool kumo_classic_open(void *data, const char *path)
{
    (void)data;
    return path != NULL;
}

static void kumo_classic_close(void *data)
{
    (void)data;
}

static void unref(rec *r)
{
    if (--r->refs == 0) {
        free(r);
    }
}

static rec **locate(table *t, const char *key, uint32_t keylen)
{
    unsigned char hash = (unsigned char)keylen;
    rec **at;
    uint32_t i;
    for (i = 0; i < keylen; i++) {
        hash = (unsigned char)(hash * 31 + (unsigned char)key[i]);
    }
    at = &t->chains[hash];
    while (*at != NULL &&
           ((*at)->keylen != keylen || memcmp((*at)->bytes, key, keylen) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static const char *hand_out(table *t, const char *bytes, uint32_t len, msgpack_zone *zone)
{
    char *copy;
    if (t->turn++ % 2 == 0) {
        copy = msgpack_zone_malloc(zone, (size_t)len + 1);
    } else {
        copy = malloc((size_t)len + 1);
        if (copy != NULL && !msgpack_zone_push_finalizer(zone, free, copy)) {
            free(copy);
            copy = NULL;
        }
    }
    return copy == NULL ? NULL : memcpy(copy, bytes, len);
}

static const char *kumo_classic_get(void *data, const char *key, uint32_t keylen,
                                    uint32_t *result_vallen, msgpack_zone *zone)
{
    table *t = data;
    const char *val = NULL;
    rec *r;
    pthread_mutex_lock(&t->lock);
    r = *locate(t, key, keylen);
    if (r != NULL) {
        val = hand_out(t, r->bytes + keylen, r->vallen, zone);
        *result_vallen = r->vallen;
    }
    pthread_mutex_unlock(&t->lock);
    return val;
}

static int32_t kumo_classic_get_header(void *data, const char *key, uint32_t keylen,
                                       char *result_val, uint32_t vallen)
{
    table *t = data;
    int32_t n = -1;
    rec *r;
    pthread_mutex_lock(&t->lock);
    r = *locate(t, key, keylen);
    if (r != NULL) {
        n = (int32_t)(r->vallen < vallen ? r->vallen : vallen);
        memcpy(result_val, r->bytes + keylen, (size_t)n);
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

static bool put(table *t, const char *key, uint32_t keylen, rec *made, kumo_storage_casproc proc,
                void *casdata)
{
    rec **at, *old;
    bool go;
    pthread_mutex_lock(&t->lock);
    at = locate(t, key, keylen);
    old = *at;
    go = old == NULL ? made != NULL
                     : proc == NULL || proc(casdata, old->bytes + keylen, old->vallen);
    if (go && old != NULL) {
        *at = old->next;
        t->rnum--;
        unref(old);
    }
    if (go && made != NULL) {
        made->next = *at;
        *at = made;
        t->rnum++;
    }
    pthread_mutex_unlock(&t->lock);
    if (!go) {
        free(made);
    }
    return go;
}

static bool kumo_classic_update(void *data, const char *key, uint32_t keylen, const char *val,
                                uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    rec *made = malloc(sizeof *made + keylen + vallen);
    if (made == NULL) {
        return false;
    }
    made->refs = 1;
    made->keylen = keylen;
    made->vallen = vallen;
    memcpy(made->bytes, key, keylen);
    memcpy(made->bytes + keylen, val, vallen);
    return put(data, key, keylen, made, proc, casdata);
}

static bool kumo_classic_set(void *data, const char *key, uint32_t keylen, const char *val,
                             uint32_t vallen)
{
    return kumo_classic_update(data, key, keylen, val, vallen, NULL, NULL);
}

static bool kumo_classic_del(void *data, const char *key, uint32_t keylen,
                             kumo_storage_casproc proc, void *casdata)
{
    return put(data, key, keylen, NULL, proc, casdata);
}

static uint64_t kumo_classic_rnum(void *data)
{
    table *t = data;
    uint64_t n;
    pthread_mutex_lock(&t->lock);
    n = t->rnum;
    pthread_mutex_unlock(&t->lock);
    return n;
}

static bool kumo_classic_backup(void *data, const char *dstpath)
{
    (void)data, (void)dstpath;
    return false;
}

static const char *kumo_classic_error(void *data)
{
    (void)data;
    return "unknown error";
}

/* Under the lock from end to end, as the original's are: one scan at a time. */
static int kumo_classic_for_each(void *data, void *user,
                                 int (*func)(void *user, void *iterator_data))
{
    table *t = data;
    int i, result = 0;
    pthread_mutex_lock(&t->lock);
    for (i = 0; i < 256 && result >= 0; i++) {
        rec *r, *next;
        for (r = t->chains[i]; r != NULL && result >= 0; r = next) {
            cursor c = {t, r};
            next = r->next;
            r->refs++; /* func may delete r, and still look at it */
            result = func(user, &c);
            unref(r);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return result < 0 ? result : 0;
}

static const char *kumo_classic_iterator_key(void *it)
{
    return ((cursor *)it)->rec->bytes;
}

static const char *kumo_classic_iterator_val(void *it)
{
    return ((cursor *)it)->rec->bytes + ((cursor *)it)->rec->keylen;
}

static size_t kumo_classic_iterator_keylen(void *it)
{
    return ((cursor *)it)->rec->keylen;
}

static size_t kumo_classic_iterator_vallen(void *it)
{
    return ((cursor *)it)->rec->vallen;
}

static const char *kumo_classic_iterator_release_key(void *it, msgpack_zone *zone)
{
    const cursor *c = it;
    return hand_out(c->table, c->rec->bytes, c->rec->keylen, zone);
}

static const char *kumo_classic_iterator_release_val(void *it, msgpack_zone *zone)
{
    const cursor *c = it;
    return hand_out(c->table, c->rec->bytes + c->rec->keylen, c->rec->vallen, zone);
}

static bool kumo_classic_iterator_del(void *it, kumo_storage_casproc proc, void *casdata)
{
    const cursor *c = it;
    return put(c->table, c->rec->bytes, c->rec->keylen, NULL, proc, casdata);
}

static bool kumo_classic_iterator_del_force(void *it)
{
    return kumo_classic_iterator_del(it, NULL, NULL);
}

static kumo_storage_op kumo_classic_op = {
    kumo_classic_create,
    kumo_classic_free,
    kumo_classic_open,
    kumo_classic_close,
    kumo_classic_get,
    kumo_classic_get_header,
    kumo_classic_set,
    kumo_classic_del,
    kumo_classic_update,
    NULL,
    kumo_classic_rnum,
    kumo_classic_backup,
    kumo_classic_error,
    kumo_classic_for_each,
    kumo_classic_iterator_key,
    kumo_classic_iterator_val,
    kumo_classic_iterator_keylen,
    kumo_classic_iterator_vallen,
    kumo_classic_iterator_release_key,
    kumo_classic_iterator_release_val,
    kumo_classic_iterator_del,
    kumo_classic_iterator_del_force,
};

kumo_storage_op kumo_storage_init(void)
{
    return kumo_classic_op;
}
