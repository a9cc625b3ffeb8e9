/*
 * Keeps state by connection: ON_CONNECT attaches a counter to the cookie, every get, store
 * and remove counts, ON_DISCONNECT frees it. `stats` shows this connection's requests, and
 * how many connections there have been and are.
 *
 * A get of a key that begins with "stuck" blocks, and is never answered: the cookie is
 * reserved, and only after the client has gone does a thread of the engine's look at what
 * is attached to it, notify (nobody waits), and release it. `stats` counts these.
 */
#define _POSIX_C_SOURCE 200809L

#include "memory.h"

#include <time.h>

/* What is attached to a cookie. */
typedef struct connection {
    struct connection *next; /* among those that are stuck and gone */
    const void *cookie;
    uint64_t requests; /* one call at a time: no lock */
    bool stuck;
} connection;

typedef struct percookie {
    memory m;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stop;
    connection *gone;
    uint64_t connects, disconnects, stuck, released;
} percookie;

static percookie *engine_of(const void *cb_data)
{
    union { /* the interface has it const */
        const void *in;
        percookie *out;
    } u;
    u.in = cb_data;
    return u.out;
}

static void connected(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                      const void *cb_data)
{
    percookie *p = engine_of(cb_data);
    connection *c = calloc(1, sizeof *c);
    (void)event_data;
    if (c == NULL || type != ON_CONNECT ||
        p->m.server->cookie->get_engine_specific(cookie) != NULL) {
        record("percookie: a cookie that is not new");
        abort();
    }
    c->cookie = cookie;
    p->m.server->cookie->store_engine_specific(cookie, c);
    pthread_mutex_lock(&p->lock);
    p->connects++;
    pthread_mutex_unlock(&p->lock);
}

static void disconnected(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                         const void *cb_data)
{
    percookie *p = engine_of(cb_data);
    connection *c = p->m.server->cookie->get_engine_specific(cookie);
    (void)event_data;
    if (c == NULL || type != ON_DISCONNECT || c->cookie != cookie) {
        record("percookie: a disconnect of nothing");
        abort();
    }
    pthread_mutex_lock(&p->lock);
    p->disconnects++;
    if (c->stuck) {
        c->next = p->gone;
        p->gone = c;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    if (!c->stuck) {
        p->m.server->cookie->store_engine_specific(cookie, NULL);
        free(c);
    }
}

static void *work(void *arg)
{
    percookie *p = arg;
    SERVER_COOKIE_API *server = p->m.server->cookie;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        const struct timespec delay = {0, 20 * 1000 * 1000};
        connection *c = p->gone;
        if (c == NULL && p->stop) {
            break;
        }
        if (c == NULL) {
            pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        p->gone = c->next;
        pthread_mutex_unlock(&p->lock);
        nanosleep(&delay, NULL); /* so that the server has done all that it does after it */
        if (server->get_engine_specific(c->cookie) != c) {
            record("percookie: a reserved cookie has lost what was attached to it");
            abort();
        }
        server->notify_io_complete(c->cookie, ENGINE_SUCCESS);
        server->store_engine_specific(c->cookie, NULL);
        server->release(c->cookie);
        free(c);
        pthread_mutex_lock(&p->lock);
        p->released++;
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static connection *count(ENGINE_HANDLE *handle, const void *cookie)
{
    connection *c = memory_of(handle)->server->cookie->get_engine_specific(cookie);
    if (c == NULL || c->cookie != cookie) {
        record("percookie: a call before ON_CONNECT");
        abort();
    }
    c->requests++;
    return c;
}

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    connection *c = count(handle, cookie);
    if (nkey >= 5 && memcmp(key, "stuck", 5) == 0) {
        if (memory_of(handle)->server->cookie->reserve(cookie) != ENGINE_SUCCESS) {
            return ENGINE_FAILED;
        }
        c->stuck = true;
        pthread_mutex_lock(&((percookie *)handle)->lock);
        ((percookie *)handle)->stuck++;
        pthread_mutex_unlock(&((percookie *)handle)->lock);
        return ENGINE_EWOULDBLOCK;
    }
    return memory_get(handle, cookie, out, key, nkey, vbucket);
}

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    count(handle, cookie);
    return memory_store(handle, cookie, it, cas, op, vbucket);
}

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    count(handle, cookie);
    return memory_remove(handle, cookie, key, nkey, cas, vbucket);
}

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    percookie *p = (percookie *)handle;
    SERVER_COOKIE_API *server = p->m.server->cookie;
    connection *c = server->get_engine_specific(cookie);
    auth_data_t auth = {"?", "?"};
    ENGINE_ERROR_CODE code = memory_get_stats(handle, cookie, key, nkey, add_stat);
    if (code != ENGINE_SUCCESS) {
        return code;
    }
    server->get_auth_data(cookie, &auth);
    pthread_mutex_lock(&p->lock);
    memory_stat(add_stat, cookie, "requests", c == NULL ? 0 : c->requests);
    memory_stat(add_stat, cookie, "connects", p->connects);
    memory_stat(add_stat, cookie, "disconnects", p->disconnects);
    memory_stat(add_stat, cookie, "connected", p->connects - p->disconnects);
    memory_stat(add_stat, cookie, "stuck", p->stuck);
    memory_stat(add_stat, cookie, "released", p->released);
    memory_stat(add_stat, cookie, "has_socket", server->get_socket_fd(cookie) >= 0);
    memory_stat(add_stat, cookie, "has_user", auth.username != NULL);
    pthread_mutex_unlock(&p->lock);
    return ENGINE_SUCCESS;
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    percookie *p = (percookie *)handle;
    (void)config;
    p->m.server->callback->register_callback(handle, ON_CONNECT, connected, p);
    p->m.server->callback->register_callback(handle, ON_DISCONNECT, disconnected, p);
    p->started = pthread_create(&p->thread, NULL, work, p) == 0;
    return p->started ? ENGINE_SUCCESS : ENGINE_FAILED;
}

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    percookie *p = (percookie *)handle;
    if (p->started) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    if (p->connects != p->disconnects) {
        record("percookie: destroyed before all have been disconnected");
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    memory_destroy(handle, force);
}

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    percookie *p = (percookie *)memory_table(sizeof *p, get_server_api);
    (void)interface;
    if (p == NULL) {
        return ENGINE_ENOMEM;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->m.table.initialize = initialize;
    p->m.table.destroy = destroy;
    p->m.table.get = get;
    p->m.table.store = store;
    p->m.table.remove = removes;
    p->m.table.get_stats = get_stats;
    *handle = (ENGINE_HANDLE *)p;
    return ENGINE_SUCCESS;
}
