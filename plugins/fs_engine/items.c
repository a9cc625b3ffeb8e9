/*
 * What the commands mean. A writer holds the lock of the path, from its look at what is
 * there until the new file stands in its place; a reader holds none.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "fs_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t fs_now(const fs_engine *e)
{
    return e->server->core->abstime(e->server->core->get_current_time());
}

int64_t fs_expiry(const fs_engine *e, uint32_t exptime)
{
    return exptime == 0 ? 0 : e->server->core->abstime(e->server->core->realtime(exptime));
}

bool fs_dead(const fs_engine *e, const fs_meta *meta)
{
    return meta->cas <= FS_READ(e->flush_cas) ||
           (meta->expiry != 0 && meta->expiry <= fs_now(e));
}

pthread_mutex_t *fs_lock_of(fs_engine *e, const char *path)
{
    return &e->locks[fs_crc(0, path, strlen(path)) % FS_LOCKS];
}

pthread_mutex_t *fs_lock(fs_engine *e, char *path, const void *key, size_t nkey)
{
    pthread_mutex_t *lock;
    fs_directory_flush_due(e);
    if (!fs_name(path, key, nkey)) {
        return NULL;
    }
    lock = fs_lock_of(e, path);
    pthread_mutex_lock(lock);
    return lock;
}

fs_item *fs_item_new(const void *key, size_t nkey, size_t nbytes)
{
    fs_item *item = malloc(sizeof *item + nbytes);
    if (item != NULL) {
        memset(&item->meta, 0, sizeof item->meta);
        item->nkey = nkey;
        item->nbytes = nbytes;
        if (nkey > 0) {
            memcpy(item->key, key, nkey);
        }
    }
    return item;
}

/* The answer to a failure of the operating system's. */
static ENGINE_ERROR_CODE failed(fs_engine *e, const char *path, int reason)
{
    FS_ADD(e->stats.failures, 1);
    FS_LOG(e, EXTENSION_LOG_WARNING, "fs_engine: %s: %s", path, strerror(reason));
    switch (reason) {
    case ENOMEM:
        return ENGINE_ENOMEM;
    case EISDIR: /* somebody else's; a file cannot take its place */
    case ENOTDIR:
        return ENGINE_EACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return ENGINE_TMPFAIL;
    default:
        return ENGINE_FAILED;
    }
}

static ENGINE_ERROR_CODE damaged(fs_engine *e, const char *path)
{
    FS_ADD(e->stats.damaged, 1);
    FS_LOG(e, EXTENSION_LOG_WARNING, "fs_engine: %s is damaged", path);
    return ENGINE_KEY_ENOENT;
}

/* Under the lock: what is dead at the path goes. */
static void bury(fs_engine *e, const char *path, const fs_meta *meta, size_t size)
{
    bool flushed = meta->cas <= FS_READ(e->flush_cas);
    if (fs_file_remove(e, path) == 0) {
        FS_SUB(e->stats.items, 1);
        FS_SUB(e->stats.bytes, size);
        FS_ADD(*(flushed ? &e->stats.flushed : &e->stats.expired), 1);
    }
}

/*
 * Under the lock: is there a live item? SUCCESS: yes; KEY_ENOENT: no, and what was dead is
 * gone; anything else is a failure. An item is read whole only where it is asked for.
 */
static ENGINE_ERROR_CODE look(fs_engine *e, const char *path, fs_meta *meta, size_t *size,
                              fs_item **item)
{
    switch (fs_file_read(e, path, meta, size, item)) {
    case FS_FOUND:
        if (!fs_dead(e, meta)) {
            return ENGINE_SUCCESS;
        }
        bury(e, path, meta, *size);
        if (item != NULL) {
            free(*item);
            *item = NULL;
        }
        return ENGINE_KEY_ENOENT;
    case FS_ABSENT:
        return ENGINE_KEY_ENOENT;
    case FS_DAMAGED:
        return damaged(e, path);
    case FS_FOREIGN:
        return ENGINE_EACCESS;
    default:
        return failed(e, path, errno);
    }
}

ENGINE_ERROR_CODE fs_look(fs_engine *e, const char *path, fs_item **item)
{
    fs_meta meta;
    size_t size;
    return look(e, path, &meta, &size, item);
}

ENGINE_ERROR_CODE fs_put(fs_engine *e, const char *path, const struct iovec *pieces, int n,
                         const fs_meta *meta, const size_t *replaced)
{
    int i, reason = fs_file_write(e, path, pieces, n, meta);
    if (reason != 0) {
        return failed(e, path, reason);
    }
    for (i = 0; i < n; i++) {
        FS_ADD(e->stats.bytes, pieces[i].iov_len);
    }
    if (replaced != NULL) {
        FS_SUB(e->stats.bytes, *replaced);
    } else {
        FS_ADD(e->stats.items, 1);
    }
    return ENGINE_SUCCESS;
}

ENGINE_ERROR_CODE fs_get(fs_engine *e, const void *key, size_t nkey, fs_item **item)
{
    char path[FS_PATH_MAX];
    fs_meta meta;
    size_t size;
    fs_state state;
    fs_directory_flush_due(e);
    if (!fs_name(path, key, nkey)) {
        return ENGINE_KEY_ENOENT;
    }
    state = fs_file_read(e, path, &meta, &size, item);
    if (state == FS_FOUND && fs_dead(e, &meta)) {
        pthread_mutex_t *lock = fs_lock_of(e, path);
        free(*item);
        pthread_mutex_lock(lock);
        fs_look(e, path, NULL); /* which looks again */
        pthread_mutex_unlock(lock);
        state = FS_ABSENT;
    }
    if (state == FS_FAILED) {
        return failed(e, path, errno);
    }
    if (state == FS_DAMAGED) {
        damaged(e, path);
    }
    FS_ADD(*(state == FS_FOUND ? &e->stats.hits : &e->stats.misses), 1);
    if (state != FS_FOUND) {
        return ENGINE_KEY_ENOENT;
    }
    memcpy((*item)->key, key, nkey);
    (*item)->nkey = nkey;
    return ENGINE_SUCCESS;
}

static ENGINE_ERROR_CODE allowed(bool there, const fs_meta *old, uint64_t cas,
                                 ENGINE_STORE_OPERATION op)
{
    bool compares = op == OPERATION_CAS || cas != 0;
    if (op == OPERATION_ADD) {
        return there ? ENGINE_NOT_STORED : ENGINE_SUCCESS;
    }
    if (there) {
        return compares && cas != old->cas ? ENGINE_KEY_EEXISTS : ENGINE_SUCCESS;
    }
    if (compares) {
        return ENGINE_KEY_ENOENT;
    }
    return op == OPERATION_SET ? ENGINE_SUCCESS : ENGINE_NOT_STORED;
}

static ENGINE_ERROR_CODE store_locked(fs_engine *e, const char *path, fs_item *item,
                                      uint64_t *cas, ENGINE_STORE_OPERATION op)
{
    bool joins = op == OPERATION_APPEND || op == OPERATION_PREPEND, there;
    struct iovec pieces[2];
    fs_item *old = NULL;
    fs_meta meta, new_meta = item->meta;
    size_t size;
    int n = 0;
    ENGINE_ERROR_CODE code = look(e, path, &meta, &size, joins ? &old : NULL);
    there = code == ENGINE_SUCCESS;
    if (there || code == ENGINE_KEY_ENOENT) {
        code = allowed(there, &meta, item->meta.cas, op);
    }
    if (code == ENGINE_SUCCESS && joins && size + item->nbytes > FS_VALUE_MAX) {
        code = ENGINE_E2BIG;
    }
    if (code != ENGINE_SUCCESS) {
        free(old);
        return code;
    }
    if (op == OPERATION_APPEND) {
        pieces[n].iov_base = old->data;
        pieces[n++].iov_len = old->nbytes;
    }
    pieces[n].iov_base = item->data;
    pieces[n++].iov_len = item->nbytes;
    if (op == OPERATION_PREPEND) {
        pieces[n].iov_base = old->data;
        pieces[n++].iov_len = old->nbytes;
    }
    if (joins) { /* what the client says of these is not heeded */
        new_meta = old->meta;
    }
    new_meta.cas = FS_ADD(e->cas, 1) + 1;
    code = fs_put(e, path, pieces, n, &new_meta, there ? &size : NULL);
    free(old);
    if (code == ENGINE_SUCCESS) {
        FS_ADD(e->stats.total, 1);
        *cas = item->meta.cas = new_meta.cas;
    }
    return code;
}

ENGINE_ERROR_CODE fs_store(fs_engine *e, fs_item *item, uint64_t *cas, ENGINE_STORE_OPERATION op)
{
    char path[FS_PATH_MAX];
    pthread_mutex_t *lock = fs_lock(e, path, item->key, item->nkey);
    ENGINE_ERROR_CODE code;
    if (lock == NULL) {
        return ENGINE_EINVAL;
    }
    code = store_locked(e, path, item, cas, op);
    pthread_mutex_unlock(lock);
    return code;
}

ENGINE_ERROR_CODE fs_remove(fs_engine *e, const void *key, size_t nkey, uint64_t cas)
{
    char path[FS_PATH_MAX];
    pthread_mutex_t *lock = fs_lock(e, path, key, nkey);
    fs_meta meta;
    size_t size;
    ENGINE_ERROR_CODE code;
    if (lock == NULL) {
        return ENGINE_KEY_ENOENT;
    }
    code = look(e, path, &meta, &size, NULL);
    if (code == ENGINE_SUCCESS && cas != 0 && cas != meta.cas) {
        code = ENGINE_KEY_EEXISTS;
    } else if (code == ENGINE_SUCCESS) {
        int reason = fs_file_remove(e, path);
        if (reason != 0) {
            code = failed(e, path, reason);
        } else {
            FS_SUB(e->stats.items, 1);
            FS_SUB(e->stats.bytes, size);
        }
    } else if (code == ENGINE_EACCESS) { /* what is not ours is not there */
        code = ENGINE_KEY_ENOENT;
    }
    pthread_mutex_unlock(lock);
    return code;
}

ENGINE_ERROR_CODE fs_touch(fs_engine *e, const void *key, size_t nkey, int64_t expiry,
                           fs_item **item)
{
    char path[FS_PATH_MAX];
    pthread_mutex_t *lock = fs_lock(e, path, key, nkey);
    fs_item *found = NULL;
    ENGINE_ERROR_CODE code;
    if (lock == NULL) {
        return ENGINE_KEY_ENOENT;
    }
    code = fs_look(e, path, &found);
    if (code == ENGINE_EACCESS) {
        code = ENGINE_KEY_ENOENT;
    }
    if (code == ENGINE_SUCCESS && found->meta.expiry != expiry) {
        struct iovec piece;
        piece.iov_base = found->data;
        piece.iov_len = found->nbytes;
        found->meta.expiry = expiry;
        code = fs_put(e, path, &piece, 1, &found->meta, &found->nbytes);
    }
    pthread_mutex_unlock(lock);
    if (item != NULL) {
        FS_ADD(*(code == ENGINE_SUCCESS ? &e->stats.hits : &e->stats.misses), 1);
    }
    if (code != ENGINE_SUCCESS || item == NULL) {
        free(found);
        return code;
    }
    memcpy(found->key, key, nkey);
    found->nkey = nkey;
    *item = found;
    return ENGINE_SUCCESS;
}
