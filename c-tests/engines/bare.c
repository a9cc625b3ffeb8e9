/*
 * An engine as a beginner's tutorial leaves it: destroy takes the handle alone, there is no
 * CAS, a miss is ENGINE_NOT_STORED, expiries are kept and not heeded, nothing asks the
 * server for anything, and whatever may be NULL is.
 */
#include "memory.h"

static void destroy(ENGINE_HANDLE *handle)
{
    memory_destroy(handle, false);
}

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = memory_get(handle, cookie, out, key, nkey, vbucket);
    return code == ENGINE_SUCCESS ? code : ENGINE_NOT_STORED;
}

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    /* Without CAS there is nothing to compare. */
    ENGINE_ERROR_CODE code = memory_store(
        handle, cookie, it, cas, op == OPERATION_CAS ? OPERATION_REPLACE : op, vbucket);
    if (code == ENGINE_SUCCESS) {
        *cas = 0;
    }
    return code;
}

static void item_set_cas(ENGINE_HANDLE *handle, const void *cookie, item *it, uint64_t cas)
{
    (void)handle;
    (void)cookie;
    (void)it;
    (void)cas;
}

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    bool well = memory_get_item_info(handle, cookie, it, info);
    info->cas = 0;
    return well;
}

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    (void)handle;
    (void)cookie;
    (void)key;
    (void)nkey;
    (void)add_stat;
    return ENGINE_SUCCESS;
}

static const engine_info *get_info(ENGINE_HANDLE *handle)
{
    static engine_info info = {"bare v0.1", 0, {{0, NULL}}};
    (void)handle;
    return &info;
}

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    memory *m;
    if (interface == 0) {
        return ENGINE_ENOTSUP;
    }
    m = memory_table(sizeof *m, get_server_api);
    if (m == NULL) {
        return ENGINE_ENOMEM;
    }
    m->server = NULL;
    m->table.get_info = get_info;
    /* By way of another type, or compilers see the difference. */
    m->table.destroy = (void (*)(ENGINE_HANDLE *, const bool))(void (*)(void))destroy;
    m->table.get = get;
    m->table.store = store;
    m->table.get_stats = get_stats;
    m->table.item_set_cas = item_set_cas;
    m->table.get_item_info = get_item_info;
    *handle = (ENGINE_HANDLE *)m;
    return ENGINE_SUCCESS;
}
