/*
 * What the engines of the tests are made of: a table in memory under one lock, and every
 * required function of the interface. An engine includes it, fills its table with
 * memory_table(), and puts functions of its own in the places where it is different.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <memcached/engine.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

/* An item. The table holds one reference, every item that is out another. */
typedef struct entry {
    struct entry *next;
    uint64_t cas;
    rel_time_t exptime;
    int flags;
    size_t nkey;
    size_t nbytes;
    int refs; /* under the lock */
    char bytes[]; /* the key, then the value */
} entry;

typedef struct memory {
    ENGINE_HANDLE_V1 table; /* first: the handle points here */
    SERVER_HANDLE_V1 *server;
    pthread_mutex_t lock;
    entry *buckets[BUCKETS];
    uint64_t cas;
    uint64_t count;
    rel_time_t flush_at; /* a flush that is still to come; 0: none */
} memory;

static inline memory *memory_of(ENGINE_HANDLE *handle)
{
    return (memory *)handle;
}

static inline entry **memory_place(memory *m, const void *key, size_t nkey)
{
    const unsigned char *bytes = key;
    unsigned hash = 5381;
    size_t i;
    entry **place;
    for (i = 0; i < nkey; i++) {
        hash = hash * 33 + bytes[i];
    }
    place = &m->buckets[hash % BUCKETS];
    while (*place != NULL &&
           ((*place)->nkey != nkey || memcmp((*place)->bytes, key, nkey) != 0)) {
        place = &(*place)->next;
    }
    return place;
}

static inline void memory_unref(entry *e)
{
    if (--e->refs == 0) {
        free(e);
    }
}

static inline void memory_unlink(memory *m, entry **place)
{
    entry *e = *place;
    *place = e->next;
    m->count--;
    memory_unref(e);
}

static inline entry *memory_entry(const void *key, size_t nkey, size_t nbytes, int flags,
                                  rel_time_t exptime)
{
    entry *e = calloc(1, sizeof *e + nkey + nbytes);
    if (e != NULL) {
        e->flags = flags;
        e->exptime = exptime;
        e->nkey = nkey;
        e->nbytes = nbytes;
        e->refs = 1;
        memcpy(e->bytes, key, nkey);
    }
    return e;
}

static inline ENGINE_ERROR_CODE memory_allocate(ENGINE_HANDLE *handle, const void *cookie,
                                                item **out, const void *key, const size_t nkey,
                                                const size_t nbytes, const int flags,
                                                const rel_time_t exptime)
{
    memory *m = memory_of(handle);
    entry *e = memory_entry(key, nkey, nbytes, flags,
                            m->server == NULL ? exptime : m->server->core->realtime(exptime));
    (void)cookie;
    if (e == NULL) {
        return ENGINE_ENOMEM;
    }
    *out = e;
    return ENGINE_SUCCESS;
}

static inline void memory_release(ENGINE_HANDLE *handle, const void *cookie, item *it)
{
    memory *m = memory_of(handle);
    (void)cookie;
    pthread_mutex_lock(&m->lock);
    memory_unref(it);
    pthread_mutex_unlock(&m->lock);
}

static inline void memory_clear(memory *m)
{
    size_t i;
    for (i = 0; i < BUCKETS; i++) {
        while (m->buckets[i] != NULL) {
            memory_unlink(m, &m->buckets[i]);
        }
    }
}

/* A flush whose time has come is made. Under the lock. */
static inline void memory_flush_due(memory *m)
{
    if (m->flush_at != 0 && m->flush_at <= m->server->core->get_current_time()) {
        m->flush_at = 0;
        memory_clear(m);
    }
}

/* The item, or NULL; what has expired goes. Under the lock. */
static inline entry *memory_live(memory *m, const void *key, size_t nkey)
{
    entry **place;
    memory_flush_due(m);
    place = memory_place(m, key, nkey);
    if (*place != NULL && m->server != NULL && (*place)->exptime != 0 &&
        (*place)->exptime <= m->server->core->get_current_time()) {
        memory_unlink(m, place);
        return NULL;
    }
    return *place;
}

static inline ENGINE_ERROR_CODE memory_remove(ENGINE_HANDLE *handle, const void *cookie,
                                              const void *key, const size_t nkey, uint64_t cas,
                                              uint16_t vbucket)
{
    memory *m = memory_of(handle);
    ENGINE_ERROR_CODE code = ENGINE_KEY_ENOENT;
    entry **place;
    (void)cookie;
    (void)vbucket;
    pthread_mutex_lock(&m->lock);
    memory_live(m, key, nkey); /* what is dead goes */
    place = memory_place(m, key, nkey);
    if (*place != NULL) {
        code = cas != 0 && cas != (*place)->cas ? ENGINE_KEY_EEXISTS : ENGINE_SUCCESS;
        if (code == ENGINE_SUCCESS) {
            memory_unlink(m, place);
        }
    }
    pthread_mutex_unlock(&m->lock);
    return code;
}

static inline ENGINE_ERROR_CODE memory_get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                           const void *key, const int nkey, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    entry *e;
    (void)cookie;
    (void)vbucket;
    pthread_mutex_lock(&m->lock);
    e = memory_live(m, key, (size_t)nkey);
    if (e != NULL) {
        e->refs++;
        *out = e;
    }
    pthread_mutex_unlock(&m->lock);
    return e == NULL ? ENGINE_KEY_ENOENT : ENGINE_SUCCESS;
}

static inline ENGINE_ERROR_CODE memory_allowed(const entry *old, const entry *e,
                                               ENGINE_STORE_OPERATION op)
{
    if (op == OPERATION_ADD) {
        return old == NULL ? ENGINE_SUCCESS : ENGINE_NOT_STORED;
    }
    if (old == NULL && op != OPERATION_SET) {
        return op == OPERATION_CAS ? ENGINE_KEY_ENOENT : ENGINE_NOT_STORED;
    }
    if (e->cas != 0 || op == OPERATION_CAS) {
        return old == NULL          ? ENGINE_KEY_ENOENT
               : old->cas == e->cas ? ENGINE_SUCCESS
                                    : ENGINE_KEY_EEXISTS;
    }
    return ENGINE_SUCCESS;
}

static inline ENGINE_ERROR_CODE memory_store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                                             uint64_t *cas, ENGINE_STORE_OPERATION op,
                                             uint16_t vbucket)
{
    memory *m = memory_of(handle);
    entry *e = it, *old;
    ENGINE_ERROR_CODE code;
    (void)cookie;
    (void)vbucket;
    pthread_mutex_lock(&m->lock);
    old = memory_live(m, e->bytes, e->nkey);
    code = memory_allowed(old, e, op);
    if (code == ENGINE_SUCCESS && (op == OPERATION_APPEND || op == OPERATION_PREPEND)) {
        entry *joined = memory_entry(e->bytes, e->nkey, old->nbytes + e->nbytes, old->flags,
                                     old->exptime);
        const entry *first = op == OPERATION_APPEND ? old : e;
        const entry *second = op == OPERATION_APPEND ? e : old;
        code = joined == NULL ? ENGINE_ENOMEM : ENGINE_SUCCESS;
        if (joined != NULL) {
            char *to = joined->bytes + joined->nkey;
            memcpy(to, first->bytes + first->nkey, first->nbytes);
            memcpy(to + first->nbytes, second->bytes + second->nkey, second->nbytes);
            joined->refs = 0;
        }
        e = joined;
    }
    if (code == ENGINE_SUCCESS) {
        entry **place = memory_place(m, e->bytes, e->nkey);
        if (*place != NULL) {
            memory_unlink(m, place);
        }
        place = memory_place(m, e->bytes, e->nkey);
        *cas = e->cas = ++m->cas;
        e->next = *place;
        e->refs++;
        *place = e;
        m->count++;
    }
    pthread_mutex_unlock(&m->lock);
    return code;
}

/* Without a server there is no time, and every flush is made at once. */
static inline ENGINE_ERROR_CODE memory_flush(ENGINE_HANDLE *handle, const void *cookie,
                                             time_t when)
{
    memory *m = memory_of(handle);
    (void)cookie;
    pthread_mutex_lock(&m->lock);
    if (when == 0 || m->server == NULL) {
        memory_clear(m);
    } else {
        m->flush_at = m->server->core->realtime(when);
        memory_flush_due(m);
    }
    pthread_mutex_unlock(&m->lock);
    return ENGINE_SUCCESS;
}

static inline void memory_stat(ADD_STAT add_stat, const void *cookie, const char *key,
                               unsigned long long number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", number);
    add_stat(key, (uint16_t)strlen(key), text, (uint32_t)n, cookie);
}

static inline ENGINE_ERROR_CODE memory_get_stats(ENGINE_HANDLE *handle, const void *cookie,
                                                 const char *key, int nkey, ADD_STAT add_stat)
{
    memory *m = memory_of(handle);
    (void)key;
    if (nkey != 0) {
        return ENGINE_KEY_ENOENT;
    }
    pthread_mutex_lock(&m->lock);
    memory_stat(add_stat, cookie, "curr_items", m->count);
    pthread_mutex_unlock(&m->lock);
    return ENGINE_SUCCESS;
}

static inline void memory_reset_stats(ENGINE_HANDLE *handle, const void *cookie)
{
    (void)handle;
    (void)cookie;
}

static inline void memory_item_set_cas(ENGINE_HANDLE *handle, const void *cookie, item *it,
                                       uint64_t cas)
{
    (void)handle;
    (void)cookie;
    ((entry *)it)->cas = cas;
}

static inline bool memory_get_item_info(ENGINE_HANDLE *handle, const void *cookie,
                                        const item *it, item_info *info)
{
    memory *m = memory_of(handle);
    const entry *e = it;
    (void)cookie;
    if (info->nvalue < 1) {
        return false;
    }
    pthread_mutex_lock(&m->lock); /* a touch changes an item that is out */
    info->cas = e->cas;
    info->exptime = e->exptime;
    pthread_mutex_unlock(&m->lock);
    info->nbytes = (uint32_t)e->nbytes;
    info->flags = (uint32_t)e->flags;
    info->clsid = 0;
    info->nkey = (uint16_t)e->nkey;
    info->nvalue = 1;
    info->key = e->bytes;
    info->value[0].iov_base = (char *)e->bytes + e->nkey;
    info->value[0].iov_len = e->nbytes;
    return true;
}

static inline const engine_info *memory_get_info(ENGINE_HANDLE *handle)
{
    static engine_info info = {"an engine of the tests", 1, {{ENGINE_FEATURE_CAS, NULL}}};
    (void)handle;
    return &info;
}

static inline ENGINE_ERROR_CODE memory_initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)handle;
    (void)config;
    return ENGINE_SUCCESS;
}

static inline void memory_destroy(ENGINE_HANDLE *handle, const bool force)
{
    memory *m = memory_of(handle);
    (void)force;
    memory_flush(handle, NULL, 0);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* A table with all that is required, in `size` bytes of zeros that begin with a memory. */
static inline memory *memory_table(size_t size, GET_SERVER_API get_server_api)
{
    memory *m = calloc(1, size);
    if (m == NULL) {
        return NULL;
    }
    pthread_mutex_init(&m->lock, NULL);
    m->server = get_server_api();
    m->table.interface.interface = 1;
    m->table.get_info = memory_get_info;
    m->table.initialize = memory_initialize;
    m->table.destroy = memory_destroy;
    m->table.allocate = memory_allocate;
    m->table.remove = memory_remove;
    m->table.release = memory_release;
    m->table.get = memory_get;
    m->table.store = memory_store;
    m->table.flush = memory_flush;
    m->table.get_stats = memory_get_stats;
    m->table.reset_stats = memory_reset_stats;
    m->table.item_set_cas = memory_item_set_cas;
    m->table.get_item_info = memory_get_item_info;
    return m;
}

/*
 * The library's one symbol: an engine whose memory is a `type`, which begins with one, and
 * `changes` to it: statements, with the memory as m and its table as t.
 */
#define MEMORY_ENGINE(type, changes)                                                           \
    MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(                                    \
        uint64_t interface, GET_SERVER_API get_server_api, ENGINE_HANDLE **handle);            \
    ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,       \
                                      ENGINE_HANDLE **handle)                                  \
    {                                                                                          \
        memory *m = memory_table(sizeof(type), get_server_api);                                \
        ENGINE_HANDLE_V1 *t = (ENGINE_HANDLE_V1 *)m;                                           \
        (void)interface;                                                                       \
        if (m == NULL) {                                                                       \
            return ENGINE_ENOMEM;                                                              \
        }                                                                                      \
        changes *handle = (ENGINE_HANDLE *)t;                                                  \
        return ENGINE_SUCCESS;                                                                 \
    }

/* What an engine that ought to be refused does is written down, for a test to read. */
static inline void record(const char *line)
{
    const char *path = getenv("KUMO_TEST_RECORD");
    FILE *file = path == NULL ? stderr : fopen(path, "a");
    if (file != NULL) {
        fprintf(file, "%s\n", line);
        if (file != stderr) {
            fclose(file);
        }
    }
}

#endif
