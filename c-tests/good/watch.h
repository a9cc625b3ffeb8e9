/*
 * WATCHED(name, thread model): example 1 with begin() and end() around every call, and
 * loaded() when it is loaded.
 */
#ifndef WATCH_H
#define WATCH_H

static void begin(void);
static void end(void);
static void loaded(void);

static void *w_create(void)
{
    void *result;
    begin();
    result = create();
    end();
    return result;
}

static void w_free(void *data)
{
    begin();
    destroy(data);
    end();
}

static bool w_open(void *data, const char *path)
{
    begin();
    open_(data, path);
    end();
    return true;
}

static void w_close(void *data)
{
    begin();
    close_(data);
    end();
}

static void w_finalize(void *val)
{
    begin();
    free(val);
    end();
}

/* A copy, so that there is a finalizer. */
static const char *w_get(void *data, const char *key, uint32_t klen, uint32_t *vlen,
                         struct msgpack_zone *zone)
{
    rec *r;
    char *val = NULL;
    begin();
    r = *find(data, key, klen);
    if (r != NULL && (val = malloc(r->vlen + 1)) != NULL) {
        memcpy(val, r->key + klen, *vlen = r->vlen);
        if (!host->zone_push_finalizer(zone, w_finalize, val)) {
            free(val);
            val = NULL;
        }
    }
    if (r != NULL && val == NULL) {
        host->set_error(KUMO_ERROR_MEMORY, "out of memory");
    }
    end();
    return val;
}

static bool w_set(void *data, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    bool result;
    begin();
    result = set(data, key, klen, val, vlen);
    end();
    return result;
}

static bool w_del(void *data, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    bool result;
    begin();
    result = del(data, key, klen, proc, arg);
    end();
    return result;
}

static bool w_update(void *data, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                     kumo_storage_casproc proc, void *arg)
{
    bool result;
    begin();
    result = update(data, key, klen, val, vlen, proc, arg);
    end();
    return result;
}

static int w_for_each(void *data, void *user, kumo_storage_visit visit)
{
    int result;
    begin();
    result = for_each(data, user, visit);
    end();
    return result;
}

#define WATCHED(its_name, its_model)                                                               \
    const kumo_plugin *kumo_plugin_init(uint32_t abi, const kumo_host *h)                          \
    {                                                                                              \
        static kumo_plugin watched;                                                                \
        loaded();                                                                                  \
        watched = *smallest_plugin_init(abi, h);                                                   \
        watched.name = its_name;                                                                   \
        watched.thread_model = its_model;                                                          \
        watched.op.create = w_create;                                                              \
        watched.op.free = w_free;                                                                  \
        watched.op.open = w_open;                                                                  \
        watched.op.close = w_close;                                                                \
        watched.op.get = w_get;                                                                    \
        watched.op.set = w_set;                                                                    \
        watched.op.del = w_del;                                                                    \
        watched.op.update = w_update;                                                              \
        watched.op.for_each = w_for_each;                                                          \
        return &watched;                                                                           \
    }

#endif
