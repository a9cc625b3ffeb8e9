/*
 * What blocks.c and blocks_more.c share: calls answer ENGINE_EWOULDBLOCK, and a thread of
 * the engine's says later that the call may be made again: then it is done. The key says
 * how:
 *
 *     early...    the notification is over before the call returns
 *     late...     it comes 50 ms after it was asked for
 *     twice...    the second call blocks too, and the third is done
 *     missing...  the notification is ENGINE_KEY_ENOENT, and no call must follow
 *     tmpfail...  the notification is ENGINE_TMPFAIL
 *     alloc...    allocate blocks too
 *     plain...    nothing blocks
 *
 * Any other key: either order. `stats` shows how many calls blocked, were made again, and
 * had lost their client.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "memory.h"

#include <time.h>

typedef enum { ALLOCATE, GET, STORE, REMOVE, ARITHMETIC, COMMAND, FLUSH, STATS } call_kind;
typedef enum { ASKED, NOTIFYING, READY } job_state;

/* A call that waits. There is at most one for a cookie. */
typedef struct job {
    struct job *next;
    const void *cookie;
    call_kind kind;
    job_state state;
    bool gone; /* the client went away */
    bool notified;
    int rounds;
    size_t nkey;
    char key[256];
} job;

typedef struct blocks {
    memory m;
    pthread_mutex_t lock; /* of what follows; no function of the server's is called under it */
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stop;
    job *jobs;
    uint64_t blocked, again, lost;
} blocks;

static inline bool begins(const job *j, const char *prefix)
{
    return j->nkey >= strlen(prefix) && memcmp(j->key, prefix, strlen(prefix)) == 0;
}

static inline job **find(blocks *b, const void *cookie)
{
    job **place = &b->jobs;
    while (*place != NULL && ((*place)->cookie != cookie || (*place)->gone)) {
        place = &(*place)->next;
    }
    return place;
}

static inline void take_out(blocks *b, job *j)
{
    job **place = &b->jobs;
    while (*place != j) {
        place = &(*place)->next;
    }
    *place = j->next;
}

static inline void *work(void *arg)
{
    blocks *b = arg;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        const struct timespec delay = {0, 50 * 1000 * 1000};
        ENGINE_ERROR_CODE status = ENGINE_SUCCESS;
        SERVER_COOKIE_API *server = b->m.server->cookie;
        const void *cookie;
        bool early;
        job *j = b->jobs;
        while (j != NULL && j->state != ASKED) {
            j = j->next;
        }
        if (j == NULL) {
            if (b->stop) {
                break;
            }
            pthread_cond_wait(&b->changed, &b->lock);
            continue;
        }
        cookie = j->cookie;
        early = begins(j, "early");
        j->state = NOTIFYING;
        status = begins(j, "missing")   ? ENGINE_KEY_ENOENT
                 : begins(j, "tmpfail") ? ENGINE_TMPFAIL
                                        : ENGINE_SUCCESS;
        if (begins(j, "late")) {
            pthread_mutex_unlock(&b->lock);
            nanosleep(&delay, NULL);
            pthread_mutex_lock(&b->lock);
        }
        /* The call may be made again before notify_io_complete has returned. */
        if (status != ENGINE_SUCCESS || j->gone) {
            take_out(b, j);
            b->lost += j->gone;
            free(j);
        } else {
            j->state = READY;
        }
        pthread_mutex_unlock(&b->lock);
        server->notify_io_complete(cookie, status);
        pthread_mutex_lock(&b->lock);
        if (early) { /* its call has not returned, so this is still the same job */
            (*find(b, cookie))->notified = true;
            pthread_cond_broadcast(&b->changed);
        }
        pthread_mutex_unlock(&b->lock);
        server->release(cookie);
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* True: the call is to be done now. False: it blocks. */
static inline bool ready(blocks *b, const void *cookie, call_kind kind, const void *key, size_t nkey)
{
    job **place, *j;
    bool reserved;
    if (cookie == NULL || nkey > 255 || (nkey >= 5 && memcmp(key, "plain", 5) == 0) ||
        (kind == ALLOCATE && (nkey < 5 || memcmp(key, "alloc", 5) != 0))) {
        return true;
    }
    reserved = b->m.server->cookie->reserve(cookie) == ENGINE_SUCCESS;
    pthread_mutex_lock(&b->lock);
    place = find(b, cookie);
    j = *place;
    if (j != NULL && (j->state != READY || j->kind != kind || j->nkey != nkey ||
                      memcmp(j->key, key, nkey) != 0)) {
        record("blocks: another call than the one that blocked");
        abort();
    }
    if (j != NULL && j->rounds-- == 0) {
        *place = j->next;
        free(j);
        b->again++;
        pthread_mutex_unlock(&b->lock);
        if (reserved) {
            b->m.server->cookie->release(cookie);
        }
        return true;
    }
    if (!reserved) {
        record("blocks: reserve failed");
        abort();
    }
    if (j == NULL) {
        j = calloc(1, sizeof *j);
        if (j == NULL) {
            abort();
        }
        j->cookie = cookie;
        j->kind = kind;
        j->nkey = nkey;
        memcpy(j->key, key, nkey);
        j->rounds = begins(j, "twice") ? 1 : 0;
        j->next = b->jobs;
        b->jobs = j;
    }
    b->blocked++;
    j->state = ASKED;
    j->notified = false;
    pthread_cond_broadcast(&b->changed);
    /* The second call cannot come before this one has returned, so the job stays. */
    while (begins(j, "early") && !j->notified) {
        pthread_cond_wait(&b->changed, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return false;
}

static inline void disconnected(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                         const void *cb_data)
{
    union { /* the interface has it const */
        const void *in;
        blocks *out;
    } b;
    job **place, *j;
    (void)type;
    (void)event_data;
    b.in = cb_data;
    pthread_mutex_lock(&b.out->lock);
    place = find(b.out, cookie);
    j = *place;
    if (j != NULL && j->state == READY) {
        *place = j->next;
        b.out->lost++;
        free(j);
    } else if (j != NULL) {
        j->gone = true; /* the thread is still to release the cookie */
    }
    pthread_mutex_unlock(&b.out->lock);
}

static inline ENGINE_ERROR_CODE blocks_allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    return ready((blocks *)handle, cookie, ALLOCATE, key, nkey)
               ? memory_allocate(handle, cookie, out, key, nkey, nbytes, flags, exptime)
               : ENGINE_EWOULDBLOCK;
}

static inline ENGINE_ERROR_CODE blocks_get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    return ready((blocks *)handle, cookie, GET, key, (size_t)nkey)
               ? memory_get(handle, cookie, out, key, nkey, vbucket)
               : ENGINE_EWOULDBLOCK;
}

static inline ENGINE_ERROR_CODE blocks_store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    entry *e = it;
    return ready((blocks *)handle, cookie, STORE, e->bytes, e->nkey)
               ? memory_store(handle, cookie, it, cas, op, vbucket)
               : ENGINE_EWOULDBLOCK;
}

static inline ENGINE_ERROR_CODE blocks_remove(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    return ready((blocks *)handle, cookie, REMOVE, key, nkey)
               ? memory_remove(handle, cookie, key, nkey, cas, vbucket)
               : ENGINE_EWOULDBLOCK;
}

static inline ENGINE_ERROR_CODE blocks_get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    blocks *b = (blocks *)handle;
    ENGINE_ERROR_CODE code = memory_get_stats(handle, cookie, key, nkey, add_stat);
    if (code == ENGINE_SUCCESS) {
        pthread_mutex_lock(&b->lock);
        memory_stat(add_stat, cookie, "blocked", b->blocked);
        memory_stat(add_stat, cookie, "again", b->again);
        memory_stat(add_stat, cookie, "lost", b->lost);
        pthread_mutex_unlock(&b->lock);
    }
    return code;
}

static inline ENGINE_ERROR_CODE blocks_initialize(ENGINE_HANDLE *handle, const char *config)
{
    blocks *b = (blocks *)handle;
    (void)config;
    b->m.server->callback->register_callback(handle, ON_DISCONNECT, disconnected, b);
    b->started = pthread_create(&b->thread, NULL, work, b) == 0;
    return b->started ? ENGINE_SUCCESS : ENGINE_FAILED;
}

static inline void blocks_destroy(ENGINE_HANDLE *handle, const bool force)
{
    blocks *b = (blocks *)handle;
    if (b->started) {
        pthread_mutex_lock(&b->lock);
        b->stop = true;
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
        pthread_join(b->thread, NULL);
    }
    while (b->jobs != NULL) {
        job *j = b->jobs;
        b->jobs = j->next;
        free(j);
    }
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    memory_destroy(handle, force);
}

/* A table in which get, store, remove and, for some keys, allocate block. */
static inline blocks *blocks_table(GET_SERVER_API get_server_api)
{
    blocks *b = (blocks *)memory_table(sizeof *b, get_server_api);
    if (b == NULL) {
        return NULL;
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->m.table.initialize = blocks_initialize;
    b->m.table.destroy = blocks_destroy;
    b->m.table.allocate = blocks_allocate;
    b->m.table.get = blocks_get;
    b->m.table.store = blocks_store;
    b->m.table.remove = blocks_remove;
    b->m.table.get_stats = blocks_get_stats;
    return b;
}

#endif
