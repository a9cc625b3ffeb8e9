/*
 * tchdb: Tokyo Cabinet's hash database, as a storage plugin for kumo.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * It is built on the system's libtokyocabinet, and opens the files of kumofs's module of
 * this name. Reads run side by side; writes one at a time, each as a transaction, and
 * reads wait for it: write.c says why.
 *
 * What Tokyo Cabinet cannot do is declared, or left out. A loss of power may damage the
 * file, after a sync too, since the writes that follow it go to the same places: no
 * KUMO_CAP_DURABLE_SYNC. Records have no checksum. There is no compact: optimize would
 * hold up all for as long as it takes, and defrag is safe from a kill only in a
 * transaction, where it logs all the free space; `tchmgr optimize` does it offline. Where
 * there is no memory, Tokyo Cabinet ends the process. On file systems that write
 * elsewhere what is overwritten (btrfs, ZFS) no reserved block helps against a full disk.
 */
#include "engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- errors ---- */

static const kumo_host *the_host; /* set once, before any other call; NULL: a classic host */
static __thread char last_error[1024];

/* A host may be older than this file: what lies beyond its struct_size is not there. */
#define HOST_HAS(member)                                                                           \
    (the_host != NULL &&                                                                           \
     the_host->struct_size >= offsetof(kumo_host, member) + sizeof the_host->member &&             \
     the_host->member != NULL)

bool engine_fail(kumo_error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof last_error, format, args);
    va_end(args);
    if (HOST_HAS(set_error)) {
        the_host->set_error(code, last_error);
    }
    return false;
}

void engine_log(kumo_log level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (HOST_HAS(log)) {
        the_host->log((uint32_t)level, text);
    }
}

bool engine_fail_memory(void)
{
    return engine_fail(KUMO_ERROR_MEMORY, "tchdb: out of memory");
}

static bool is_full(int err)
{
    return err == ENOSPC || err == EDQUOT || err == EFBIG;
}

bool engine_fail_os(int err, const char *what, const char *path)
{
    return engine_fail(is_full(err) ? KUMO_ERROR_FULL : KUMO_ERROR_IO,
                       "tchdb: cannot %s %s: %s", what, path, strerror(err));
}

bool engine_fail_tc(int ecode, int err, const char *what, const char *path)
{
    kumo_error code = KUMO_ERROR_IO;
    switch (ecode) {
    case TCEINVALID:
        code = KUMO_ERROR_INVALID;
        break;
    case TCEMETA:
    case TCERHEAD:
        code = KUMO_ERROR_CORRUPT;
        err = 0; /* errno is of something else */
        break;
    case TCELOCK:
        code = KUMO_ERROR_BUSY;
        break;
    }
    if (is_full(err)) {
        code = KUMO_ERROR_FULL;
    }
    if (err == 0) {
        return engine_fail(code, "tchdb: cannot %s %s: %s", what, path, tchdberrmsg(ecode));
    }
    if (ecode == TCESUCCESS || ecode == TCENOREC) { /* it did not notice */
        return engine_fail_os(err, what, path);
    }
    return engine_fail(code, "tchdb: cannot %s %s: %s: %s", what, path, tchdberrmsg(ecode),
                       strerror(err));
}

/* ---- the operations ---- */

static void *kumo_tchdb_create(void)
{
    engine *e = calloc(1, sizeof *e);
    pthread_rwlockattr_t attr;
    if (e == NULL) {
        engine_fail_memory();
        return NULL;
    }
    e->fd = -1;
    pthread_mutex_init(&e->writers, NULL);
    pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
    /* The other kinds let readers that overlap keep a writer out for ever. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
    pthread_rwlock_init(&e->gate, &attr);
    pthread_rwlockattr_destroy(&attr);
    return e;
}

static void kumo_tchdb_free(void *data)
{
    engine *e = data;
    if (e->hdb != NULL) {
        tchdbdel(e->hdb);
    }
    pthread_rwlock_destroy(&e->gate);
    pthread_mutex_destroy(&e->writers);
    free(e->path);
    free(e);
}

static bool kumo_tchdb_open(void *data, const char *path)
{
    return engine_configure(data, path) && engine_open(data);
}

static void kumo_tchdb_close(void *data)
{
    engine_close(data);
}

/* Gives the value to the zone. */
static const char *hand_over(char *val, msgpack_zone *zone)
{
    if (!msgpack_zone_push_finalizer(zone, free, val)) {
        free(val);
        engine_fail_memory();
        return NULL;
    }
    return val;
}

static const char *kumo_tchdb_get(void *data, const char *key, uint32_t keylen,
                                  uint32_t *result_vallen, msgpack_zone *zone)
{
    int vallen;
    bool failed;
    char *val = engine_get(data, key, keylen, &vallen, &failed);
    if (val == NULL) {
        return NULL;
    }
    *result_vallen = (uint32_t)vallen;
    return hand_over(val, zone);
}

static bool kumo_tchdb_getv(void *data, const char *const *keys, const uint32_t *keylens,
                            uint32_t num, const char **vals, uint32_t *vallens,
                            msgpack_zone *zone)
{
    engine *e = data;
    uint32_t i;
    bool good = engine_enter(e), entered = good;
    for (i = 0; good && i < num; i++) {
        engine_found found = ENGINE_ABSENT;
        int vallen = 0;
        char *val = NULL;
        if (keylens[i] <= RECORD_MAX) {
            found = engine_look(e, keys[i], keylens[i], &val, &vallen);
        }
        vals[i] = found == ENGINE_FOUND ? hand_over(val, zone) : NULL;
        vallens[i] = (uint32_t)vallen;
        good = found == ENGINE_ABSENT || vals[i] != NULL;
    }
    if (entered) {
        engine_leave(e);
        engine_settle_after(e);
    }
    return good;
}

static int32_t kumo_tchdb_get_header(void *data, const char *key, uint32_t keylen,
                                     char *result_val, uint32_t vallen)
{
    engine *e = data;
    size_t n = vallen < INT32_MAX ? vallen : INT32_MAX;
    engine_found found;
    if (keylen > RECORD_MAX || !engine_enter(e)) {
        return -1;
    }
    found = engine_head(e, key, keylen, result_val, &n);
    engine_leave(e);
    if (found == ENGINE_FAULT) {
        engine_settle_after(e);
    }
    return found == ENGINE_FOUND ? (int32_t)n : -1;
}

static uint64_t kumo_tchdb_rnum(void *data)
{
    engine *e = data;
    uint64_t rnum = 0;
    if (engine_enter(e)) {
        rnum = tchdbrnum(e->hdb);
        engine_leave(e);
    }
    return rnum;
}

static const char *kumo_tchdb_error(void *data)
{
    (void)data;
    return last_error;
}

/*
 * The file's pages, those of the mapping too. What the kernel could not write it gives
 * up, and the next fsync would succeed: so after one has failed, all do.
 */
static bool kumo_tchdb_sync(void *data)
{
    engine *e = data;
    if (__atomic_load_n(&e->sync_failed, __ATOMIC_RELAXED)) {
        return engine_fail(KUMO_ERROR_IO,
                           "tchdb: a sync of %s has failed before: what was written then may not "
                           "be on the disk; make a backup and restart the server",
                           e->path);
    }
    if (!engine_enter(e)) {
        return false;
    }
    engine_leave(e); /* it is not broken, and nothing waits for the disk but this thread */
    if (fsync(e->fd) != 0) {
        __atomic_store_n(&e->sync_failed, true, __ATOMIC_RELAXED);
        return engine_fail_os(errno, "sync", e->path);
    }
    return true;
}

static bool kumo_tchdb_stats(void *data, kumo_stats_add add, void *user)
{
    engine *e = data;
    TCHDB hdb;
    char opts[8], text[24];
    size_t n = 0, i;
    if (!engine_enter(e)) {
        return false;
    }
    hdb = *e->hdb;
    engine_leave(e);
    {
        const struct {
            const char *name;
            uint64_t value;
        } numbers[] = {
            {"rnum", hdb.rnum},
            {"fsiz", hdb.fsiz},
            {"bnum", hdb.bnum},
            {"apow", hdb.apow},
            {"fpow", hdb.fpow},
            {"align", hdb.align},
            {"xmsiz", hdb.xmsiz},
            {"rcnum", hdb.rcnum},
            {"dfunit", hdb.dfunit},
            {"free_blocks", (uint64_t)hdb.fbpnum},
            {"reserved", hdb.xfsiz > hdb.fsiz ? hdb.xfsiz - hdb.fsiz : 0},
        };
        for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            snprintf(text, sizeof text, "%llu", (unsigned long long)numbers[i].value);
            add(user, numbers[i].name, text);
        }
    }
    for (i = 0; i < 4; i++) {
        if (hdb.opts & 1 << i) {
            opts[n++] = "ldbt"[i];
        }
    }
    opts[n] = '\0';
    add(user, "opts", opts);
    return true;
}

/* ---- what the host sees ---- */

static const kumo_plugin kumo_tchdb_plugin = {
    sizeof(kumo_plugin),
    KUMO_ABI_VERSION,
    KUMO_THREAD_PARALLEL,
    KUMO_CAP_BACKUP_BLOCKS | KUMO_CAP_REENTRANT_SCAN,
    "tchdb",
    "1.0.0",
    "Tokyo Cabinet's hash database, the files of kumofs",
    engine_params,
    ENGINE_PARAMS,
    {
        kumo_tchdb_create,
        kumo_tchdb_free,
        kumo_tchdb_open,
        kumo_tchdb_close,
        kumo_tchdb_get,
        kumo_tchdb_get_header,
        kumo_tchdb_set,
        kumo_tchdb_del,
        kumo_tchdb_update,
        kumo_tchdb_updatev,
        kumo_tchdb_rnum,
        kumo_tchdb_backup,
        kumo_tchdb_error,
        kumo_tchdb_for_each,
        kumo_tchdb_iterator_key,
        kumo_tchdb_iterator_val,
        kumo_tchdb_iterator_keylen,
        kumo_tchdb_iterator_vallen,
        kumo_tchdb_iterator_release_key,
        kumo_tchdb_iterator_release_val,
        kumo_tchdb_iterator_del,
        kumo_tchdb_iterator_del_force,
    },
    kumo_tchdb_sync,
    kumo_tchdb_stats,
    kumo_tchdb_verify,
    NULL, /* compact: see above */
    NULL, /* seek: there is no order */
    kumo_tchdb_getv,
    kumo_tchdb_batch,
    NULL, /* repair */
};

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    (void)host_abi; /* struct_size says what the host has */
    the_host = host;
    return &kumo_tchdb_plugin;
}

/* For a host that knows nothing but the table. */
kumo_storage_op kumo_storage_init(void)
{
    return kumo_tchdb_plugin.op;
}
