/*
 * fs_engine: memcached's items as files, for memcached's engine interface.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * It is an example of an engine in C, whole: one file per key in a directory. README.md
 * says how it is used; names.c, file.c and directory.c what it keeps, and items.c how. This
 * file is the table, and the life of an instance.
 */
#define _POSIX_C_SOURCE 200809L

#include "fs_engine.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static fs_engine *engine_of(ENGINE_HANDLE *handle)
{
    return (fs_engine *)handle;
}

static const engine_info *get_info(ENGINE_HANDLE *handle)
{
    /* The structure ends in one feature; there are two. */
    static struct {
        engine_info info;
        feature_info more[1];
    } two = {{"fs_engine: one file per key", 2, {{ENGINE_FEATURE_CAS, NULL}}},
             {{ENGINE_FEATURE_PERSISTENT_STORAGE, NULL}}};
    (void)handle;
    return &two.info;
}

static ENGINE_ERROR_CODE configure(fs_engine *e, const char *config)
{
    char *path = NULL;
    struct config_item items[3];
    int result = 0;
    memset(items, 0, sizeof items);
    items[0].key = "dir";
    items[0].datatype = DT_STRING;
    items[0].value.dt_string = &path;
    items[1].key = "sync";
    items[1].datatype = DT_BOOL;
    items[1].value.dt_bool = &e->sync;
    if (config != NULL && *config != '\0') {
        result = e->server->core->parse_config(config, items, stderr);
    }
    e->path = path != NULL ? path : strdup(".");
    if (e->path == NULL) {
        return ENGINE_ENOMEM;
    }
    if (result != 0) {
        FS_LOG(e, EXTENSION_LOG_WARNING,
               "fs_engine: the configuration is dir=PATH and sync=on or off, not %s", config);
        return ENGINE_EINVAL;
    }
    return ENGINE_SUCCESS;
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    fs_engine *e = engine_of(handle);
    ENGINE_ERROR_CODE code = configure(e, config);
    if (code != ENGINE_SUCCESS) {
        return code;
    }
    return fs_directory_open(e) ? ENGINE_SUCCESS : ENGINE_FAILED;
}

/* Every store was whole when it was answered, so there is no more haste with `force`. */
static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    fs_engine *e = engine_of(handle);
    size_t i;
    (void)force;
    fs_directory_close(e);
    for (i = 0; i < FS_LOCKS; i++) {
        pthread_mutex_destroy(&e->locks[i]);
    }
    pthread_mutex_destroy(&e->flush_lock);
    free(e->path);
    free(e);
}

static ENGINE_ERROR_CODE allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    fs_item *it;
    (void)cookie;
    if (nkey == 0 || nkey > FS_KEY_MAX) {
        return ENGINE_EINVAL;
    }
    if (nbytes > FS_VALUE_MAX) {
        return ENGINE_E2BIG;
    }
    it = fs_item_new(key, nkey, nbytes);
    if (it == NULL) {
        return ENGINE_ENOMEM;
    }
    it->meta.flags = ntohl((uint32_t)flags);
    it->meta.expiry = fs_expiry(engine_of(handle), exptime);
    *out = it;
    return ENGINE_SUCCESS;
}

static void release(ENGINE_HANDLE *handle, const void *cookie, item *it)
{
    (void)handle;
    (void)cookie;
    free(it);
}

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    fs_item *it = NULL;
    ENGINE_ERROR_CODE code = fs_get(engine_of(handle), key, (size_t)nkey, &it);
    (void)cookie;
    (void)vbucket;
    if (code == ENGINE_SUCCESS) {
        *out = it;
    }
    return code;
}

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    (void)cookie;
    (void)vbucket;
    return fs_store(engine_of(handle), it, cas, op);
}

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    (void)cookie;
    (void)vbucket;
    return fs_remove(engine_of(handle), key, nkey, cas);
}

static ENGINE_ERROR_CODE flush(ENGINE_HANDLE *handle, const void *cookie, time_t when)
{
    (void)cookie;
    return fs_directory_flush(engine_of(handle), when);
}

static void item_set_cas(ENGINE_HANDLE *handle, const void *cookie, item *it, uint64_t cas)
{
    fs_item *item = it;
    (void)handle;
    (void)cookie;
    item->meta.cas = cas;
}

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    const fs_item *item = it;
    (void)cookie;
    if (info->nvalue < 1) {
        return false;
    }
    info->cas = item->meta.cas;
    info->exptime = item->meta.expiry == 0
                        ? 0
                        : engine_of(handle)->server->core->realtime((time_t)item->meta.expiry);
    info->nbytes = (uint32_t)item->nbytes;
    info->flags = htonl(item->meta.flags);
    info->clsid = 0;
    info->nkey = (uint16_t)item->nkey;
    info->nvalue = 1;
    info->key = item->key;
    info->value[0].iov_base = (char *)item->data;
    info->value[0].iov_len = item->nbytes;
    return true;
}

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    fs_engine *e;
    size_t i;
    if (interface == 0) {
        return ENGINE_ENOTSUP;
    }
    e = calloc(1, sizeof *e);
    if (e == NULL) {
        return ENGINE_ENOMEM;
    }
    e->server = get_server_api();
    e->dir = e->lock = -1;
    for (i = 0; i < FS_LOCKS; i++) {
        pthread_mutex_init(&e->locks[i], NULL);
    }
    pthread_mutex_init(&e->flush_lock, NULL);
    e->table.interface.interface = 1;
    e->table.get_info = get_info;
    e->table.initialize = initialize;
    e->table.destroy = destroy;
    e->table.allocate = allocate;
    e->table.remove = removes;
    e->table.release = release;
    e->table.get = get;
    e->table.store = store;
    e->table.arithmetic = fs_arithmetic;
    e->table.flush = flush;
    e->table.get_stats = fs_get_stats;
    e->table.reset_stats = fs_reset_stats;
    e->table.unknown_command = fs_unknown_command;
    e->table.item_set_cas = item_set_cas;
    e->table.get_item_info = get_item_info;
    *handle = (ENGINE_HANDLE *)e;
    return ENGINE_SUCCESS;
}
