/*
 * What the files of fs_engine share.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef FS_ENGINE_H
#define FS_ENGINE_H

#include <memcached/engine.h>

#include <pthread.h>

#define FS_KEY_MAX 250
#define FS_PATH_MAX 1024 /* more than any key's path needs */
#define FS_VALUE_MAX 0x7fffffffU
#define FS_LOCKS 256

/* Where the engine keeps what is no item. No key's path begins with a dot. */
#define FS_OWN ".fs_engine"

/* What is known of an item beside its key and its value. */
typedef struct fs_meta {
    uint32_t flags; /* the client's number, in the host's order */
    int64_t expiry; /* UNIX time; 0: never */
    uint64_t cas;
} fs_meta;

/* An item that is out, with a copy of its own of everything. */
typedef struct fs_item {
    fs_meta meta;
    size_t nkey;
    size_t nbytes;
    char key[FS_KEY_MAX];
    char data[];
} fs_item;

/* Counters; atomic. */
typedef struct fs_stats {
    uint64_t items, bytes; /* what there is: reset leaves them */
    uint64_t total, hits, misses, expired, flushed, damaged, failures;
} fs_stats;

typedef struct fs_engine {
    ENGINE_HANDLE_V1 table; /* first: the handle points here */
    SERVER_HANDLE_V1 *server;
    char *path; /* of the directory */
    bool sync;
    int dir; /* descriptors; -1: not open */
    int lock;
    pthread_mutex_t locks[FS_LOCKS]; /* for writers, by path; readers need none */
    uint64_t cas; /* the last that was given; atomic */
    uint64_t tmp; /* the last temporary file's number; atomic */
    pthread_mutex_t flush_lock; /* for those who change the next two, which are atomic */
    uint64_t flush_cas; /* items up to this one are gone */
    int64_t flush_at; /* when all items will be; 0: never */
    fs_stats stats;
} fs_engine;

/* What stands at a path. */
typedef enum {
    FS_FOUND,
    FS_ABSENT,
    FS_DAMAGED, /* an item once: it may be overwritten */
    FS_FOREIGN, /* not written by this engine: it stays */
    FS_FAILED /* errno says why */
} fs_state;

#define FS_ADD(counter, n) __atomic_fetch_add(&(counter), (uint64_t)(n), __ATOMIC_RELAXED)
#define FS_SUB(counter, n) __atomic_fetch_sub(&(counter), (uint64_t)(n), __ATOMIC_RELAXED)
#define FS_READ(counter) __atomic_load_n(&(counter), __ATOMIC_SEQ_CST)

/* names.c: the path of a key, in path[FS_PATH_MAX]. False: no key that is stored. */
bool fs_name(char *path, const void *key, size_t nkey);
/* Is it the name of a directory that a long key is spread over? */
bool fs_name_is_part(const char *name);

/* file.c: one file. */
uint32_t fs_crc(uint32_t crc, const void *data, size_t n);
/* The meta data, and if `found` is not NULL, the whole item; *size is the value's. */
fs_state fs_file_read(fs_engine *e, const char *path, fs_meta *meta, size_t *size,
                      fs_item **found);
/* Replaces the file as one step. 0, or what errno was, and then nothing has changed. */
int fs_file_write(fs_engine *e, const char *path, const struct iovec *pieces, int n,
                  const fs_meta *meta);
int fs_file_remove(fs_engine *e, const char *path);

/* directory.c: the directory as a whole. */
bool fs_directory_open(fs_engine *e);
void fs_directory_close(fs_engine *e);
/* Removes what has expired or was flushed; `start` counts the rest, too. */
void fs_directory_sweep(fs_engine *e, bool start);
ENGINE_ERROR_CODE fs_directory_flush(fs_engine *e, time_t when);
/* Makes a flush happen whose time has come. */
void fs_directory_flush_due(fs_engine *e);

/* items.c: what the commands mean. */
int64_t fs_now(const fs_engine *e);
int64_t fs_expiry(const fs_engine *e, uint32_t exptime);
bool fs_dead(const fs_engine *e, const fs_meta *meta);
pthread_mutex_t *fs_lock_of(fs_engine *e, const char *path);
/* Makes what is due to be flushed invisible, makes the key's path, which has FS_PATH_MAX bytes
 * of room, and locks it. NULL: the key has no path, and nothing is locked. */
pthread_mutex_t *fs_lock(fs_engine *e, char *path, const void *key, size_t nkey);
fs_item *fs_item_new(const void *key, size_t nkey, size_t nbytes);
ENGINE_ERROR_CODE fs_get(fs_engine *e, const void *key, size_t nkey, fs_item **item);
ENGINE_ERROR_CODE fs_store(fs_engine *e, fs_item *item, uint64_t *cas, ENGINE_STORE_OPERATION op);
ENGINE_ERROR_CODE fs_remove(fs_engine *e, const void *key, size_t nkey, uint64_t cas);
/* Changes the expiry; where `item` is not NULL, the item is answered. */
ENGINE_ERROR_CODE fs_touch(fs_engine *e, const void *key, size_t nkey, int64_t expiry,
                           fs_item **item);

/* arithmetic.c, commands.c, stats.c: functions of the table. */
ENGINE_ERROR_CODE fs_arithmetic(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                const int nkey, const bool increment, const bool create,
                                const uint64_t delta, const uint64_t initial,
                                const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                uint16_t vbucket);
ENGINE_ERROR_CODE fs_unknown_command(ENGINE_HANDLE *handle, const void *cookie,
                                     protocol_binary_request_header *request,
                                     ADD_RESPONSE response);
ENGINE_ERROR_CODE fs_get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                               int nkey, ADD_STAT add_stat);
void fs_reset_stats(ENGINE_HANDLE *handle, const void *cookie);

/* Locked by fs_lock_of, for arithmetic and touch. */
ENGINE_ERROR_CODE fs_look(fs_engine *e, const char *path, fs_item **item);
ENGINE_ERROR_CODE fs_put(fs_engine *e, const char *path, const struct iovec *pieces, int n,
                         const fs_meta *meta, const size_t *replaced);

/* Writes to the server's log. */
#define FS_LOG(e, level, ...) (e)->server->log->get_logger()->log(level, NULL, __VA_ARGS__)

#endif
