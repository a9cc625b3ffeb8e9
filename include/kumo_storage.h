/*
 * kumo_storage.h: write a storage engine for kumo, in C or C++.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is a shared library that exports kumo_storage_init(), as the storage
 * modules of kumofs do, or kumo_plugin_init(), which also says what the engine is
 * and lets it report errors; or both. A value is handed to the host through a
 * msgpack_zone: include msgpack-c's <msgpack.h> for it, or compat/msgpack.h, which
 * stands beside this file and needs no library.
 *
 * Made from plugins/sdk/src/abi.rs by cbindgen. Do not edit.
 */
#ifndef KUMO_STORAGE_H
#define KUMO_STORAGE_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msgpack_zone;


/**
 * The version of the contract that this header describes.
 */
#define KUMO_ABI_VERSION 1

/**
 * Thread model: any number of calls at once, from any threads.
 */
#define KUMO_THREAD_PARALLEL 0

/**
 * Thread model: from any threads, one call at a time. Finalizers are calls too.
 */
#define KUMO_THREAD_SERIALIZED 1

/**
 * Thread model: one call at a time, all from one thread, which is not the one
 * that loaded the plugin. Finalizers are calls too.
 */
#define KUMO_THREAD_SINGLE 2

/**
 * Capability: the data is in memory and gone after `close`, a crash or a kill.
 */
#define KUMO_CAP_VOLATILE (1 << 0)

/**
 * Capability: `for_each` and `seek` show records in the order of their keys,
 * byte by byte.
 */
#define KUMO_CAP_ORDERED (1 << 1)

/**
 * Capability: after `sync` has returned true, what was written before survives
 * a loss of power.
 */
#define KUMO_CAP_DURABLE_SYNC (1 << 2)

/**
 * Capability: writes wait while `backup` runs.
 */
#define KUMO_CAP_BACKUP_BLOCKS (1 << 3)

/**
 * Capability: any operation may be called from `for_each`'s callback, and
 * several scans may run at once.
 */
#define KUMO_CAP_REENTRANT_SCAN (1 << 4)

/**
 * What kind of failure `kumo_host.set_error` reports.
 */
enum kumo_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * None of the others.
     */
    KUMO_ERROR_OTHER = 1,
    /**
     * The operating system failed a read or a write.
     */
    KUMO_ERROR_IO = 2,
    /**
     * No room: a full disk, a quota, a limit on file sizes.
     */
    KUMO_ERROR_FULL = 3,
    /**
     * Stored data fails its check.
     */
    KUMO_ERROR_CORRUPT = 4,
    /**
     * No memory.
     */
    KUMO_ERROR_MEMORY = 5,
    /**
     * An argument or a parameter that cannot be.
     */
    KUMO_ERROR_INVALID = 6,
    /**
     * The engine does not do this.
     */
    KUMO_ERROR_UNSUPPORTED = 7,
    /**
     * The database is in use by another process.
     */
    KUMO_ERROR_BUSY = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum kumo_error kumo_error;
#else
typedef int32_t kumo_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a message matters, for `kumo_host.log`.
 */
enum kumo_log
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something failed.
     */
    KUMO_LOG_ERROR = 0,
    /**
     * Something is odd, and the engine goes on.
     */
    KUMO_LOG_WARN = 1,
    /**
     * What an operator wants to know.
     */
    KUMO_LOG_INFO = 2,
    /**
     * What an engine's author wants to know.
     */
    KUMO_LOG_DEBUG = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum kumo_log kumo_log;
#else
typedef uint32_t kumo_log;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The type of a parameter: what the host checks before `open`.
 */
enum kumo_param_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Any text without `#`.
     */
    KUMO_PARAM_TYPE_STRING = 0,
    /**
     * Digits, perhaps behind a minus: a number of 64 bits.
     */
    KUMO_PARAM_TYPE_INT = 1,
    /**
     * `true` or `false`, `yes` or `no`, `on` or `off`, `1` or `0`.
     */
    KUMO_PARAM_TYPE_BOOL = 2,
    /**
     * A number of bytes: digits, perhaps with k, m, g or t behind them.
     */
    KUMO_PARAM_TYPE_SIZE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum kumo_param_type kumo_param_type;
#else
typedef uint32_t kumo_param_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A comparison that the host makes while the engine holds the record still.
 *
 * `oldval`, `oldvallen` are the record's present value, valid during the
 * call. True: go ahead with the write or the delete; false: leave the record
 * as it is. The engine calls it under whatever lock makes the comparison and
 * the change one step, once for a record that exists and never for one that
 * does not. It only compares: it neither enters the storage nor unwinds.
 */
typedef bool (*kumo_storage_casproc)(void *casdata, const char *oldval, size_t oldvallen);

/**
 * What `for_each` calls for every record. A negative return value stops the
 * scan. `iterator_data` is valid during the call.
 */
typedef int (*kumo_storage_visit)(void *user, void *iterator_data);

/**
 * A storage engine: 22 functions, 176 bytes, in the order of kumofs.
 *
 * `data` is always what `create` returned. Between `open` and `close` the
 * functions are called from many threads at once, unless the plugin declares
 * otherwise. Keys and values hold any byte and may be empty. Memory passed in
 * belongs to the host and is valid during the call; memory handed out through
 * a zone lives until the zone's finalizers run. No exception may leave a
 * function.
 */
typedef struct kumo_storage_op {
    /**
     * Makes an instance. Returns what is passed on as `data`, or NULL: the
     * host gives up.
     */
    void *(*create)(void);
    /**
     * Frees the instance. The last call, after `close`, or after an `open`
     * that failed.
     */
    void (*free)(void *data);
    /**
     * Opens the database at `path`, which is what the user typed, parameters
     * included (`data.db#name=value#name=value`). False: the host reads
     * `error` and calls `free`, but not `close`.
     */
    bool (*open)(void *data, const char *path);
    /**
     * Closes the database. No other call is under way, and every zone that a
     * value was returned through has been cleared.
     */
    void (*close)(void *data);
    /**
     * Finds a value. Returns it and sets `*result_vallen`, or returns NULL:
     * not found, or failed (then with `kumo_host.set_error`). The memory lives
     * until the zone's finalizers run: register one with
     * `msgpack_zone_push_finalizer(zone, func, arg)`; where that returns
     * false, free the memory and return NULL. A value of length 0 is found,
     * so not NULL.
     */
    const char *(*get)(void *data,
                       const char *key,
                       uint32_t keylen,
                       uint32_t *result_vallen,
                       struct msgpack_zone *zone);
    /**
     * Copies at most `vallen` bytes of the value's start to `result_val` and
     * returns how many were copied. Not found, or failed: -1.
     */
    int32_t (*get_header)(void *data,
                          const char *key,
                          uint32_t keylen,
                          char *result_val,
                          uint32_t vallen);
    /**
     * Stores a value, whether the key is there or not.
     */
    bool (*set)(void *data,
                const char *key,
                uint32_t keylen,
                const char *val,
                uint32_t vallen);
    /**
     * Deletes a record if `proc` agrees. Not found: false, and `proc` is not
     * called. Found: `proc` decides, in one step with the delete.
     */
    bool (*del)(void *data,
                const char *key,
                uint32_t keylen,
                kumo_storage_casproc proc,
                void *casdata);
    /**
     * Stores a value if `proc` agrees. Not found: stores without calling
     * `proc`. Found: `proc` decides, in one step with the write.
     */
    bool (*update)(void *data,
                   const char *key,
                   uint32_t keylen,
                   const char *val,
                   uint32_t vallen,
                   kumo_storage_casproc proc,
                   void *casdata);
    /**
     * Stores `num` values in order and returns how many were stored. May be
     * NULL, the only slot of a classic table that may.
     */
    int (*updatev)(void *data,
                   const char **keys,
                   const size_t *keylens,
                   const char **vals,
                   const size_t *vallens,
                   uint16_t num);
    /**
     * The number of records.
     */
    uint64_t (*rnum)(void *data);
    /**
     * Writes a copy of the database, a consistent point in time, that `open`
     * can open: to `dstpath` with `.tmp` behind it, which is synced and then
     * renamed to `dstpath`. What stands at `dstpath` already is not replaced:
     * that is a failure, and nothing is left behind on failure.
     */
    bool (*backup)(void *data, const char *dstpath);
    /**
     * The text of the last error on this thread, or of the last error. Valid
     * until the next call on this thread.
     */
    const char *(*error)(void *data);
    /**
     * Calls `func` for every record. Returns 0 or more at the end; a negative
     * value from `func` stops it and is returned unchanged. A scan that fails
     * returns a negative value and calls `kumo_host.set_error`. `func` may
     * delete the record that it is shown with `iterator_del`; it makes no other
     * calls on the storage.
     */
    int (*for_each)(void *data, void *user, kumo_storage_visit func);
    /**
     * The current record's key, valid during the callback.
     */
    const char *(*iterator_key)(void *iterator_data);
    /**
     * The current record's value, valid during the callback.
     */
    const char *(*iterator_val)(void *iterator_data);
    /**
     * The length of the current record's key.
     */
    size_t (*iterator_keylen)(void *iterator_data);
    /**
     * The length of the current record's value.
     */
    size_t (*iterator_vallen)(void *iterator_data);
    /**
     * The current record's key, moved to the zone: it outlives the callback.
     * NULL: failed.
     */
    const char *(*iterator_release_key)(void *iterator_data, struct msgpack_zone *zone);
    /**
     * The current record's value, moved to the zone: it outlives the
     * callback. NULL: failed.
     */
    const char *(*iterator_release_val)(void *iterator_data, struct msgpack_zone *zone);
    /**
     * Deletes the current record if `proc` agrees, as `del` does.
     */
    bool (*iterator_del)(void *iterator_data, kumo_storage_casproc proc, void *casdata);
    /**
     * Deletes the current record.
     */
    bool (*iterator_del_force)(void *iterator_data);
} kumo_storage_op;

/**
 * A parameter that `open` takes: `PATH#name=value`.
 */
typedef struct kumo_param {
    /**
     * Letters, digits, `_`, `-` and `.`.
     */
    const char *name;
    /**
     * A `kumo_param_type`.
     */
    uint32_t value_type;
    /**
     * What holds where it is not given, as text; NULL: nothing does.
     */
    const char *default_value;
    /**
     * One line of help.
     */
    const char *help;
} kumo_param;

/**
 * Takes one statistic, for `kumo_plugin.stats`.
 */
typedef void (*kumo_stats_add)(void *user, const char *name, const char *value);

/**
 * Takes one fault, for `kumo_plugin.verify`.
 */
typedef void (*kumo_verify_report)(void *user, const char *text);

/**
 * A put or a delete, for `kumo_plugin.batch`.
 */
typedef struct kumo_change {
    /**
     * The key.
     */
    const char *key;
    /**
     * Its length.
     */
    size_t keylen;
    /**
     * The value to store; NULL: delete the key, if it is there.
     */
    const char *val;
    /**
     * The value's length.
     */
    size_t vallen;
} kumo_change;

/**
 * A described plugin: what `kumo_plugin_init` returns.
 *
 * The first member says how long the struct was when the plugin was compiled;
 * a host copies no more than that, so that it may grow at the end.
 */
typedef struct kumo_plugin {
    /**
     * `sizeof(kumo_plugin)`.
     */
    size_t struct_size;
    /**
     * `KUMO_ABI_VERSION`.
     */
    uint32_t abi_version;
    /**
     * A `KUMO_THREAD_...`.
     */
    uint32_t thread_model;
    /**
     * What the engine promises, or says that it cannot: `KUMO_CAP_...` bits.
     */
    uint64_t caps;
    /**
     * The engine's name: letters, digits, `_` and `-`.
     */
    const char *name;
    /**
     * The engine's version.
     */
    const char *version;
    /**
     * One line on what the engine is.
     */
    const char *description;
    /**
     * The parameters that `open` takes behind the path, `params_num` of them;
     * NULL where it takes none. The host refuses others, and values that are
     * not of the type, before it calls `open`.
     */
    const struct kumo_param *params;
    /**
     * How many parameters there are.
     */
    size_t params_num;
    /**
     * The table. A described plugin may leave these slots NULL, and the host
     * does without: get_header, updatev, rnum, backup, error,
     * iterator_release_key, iterator_release_val, iterator_del,
     * iterator_del_force. What it does then is correct, and slower: rnum counts
     * by a scan, and backup opens a second instance at the copy's name and
     * fills it.
     */
    struct kumo_storage_op op;
    /**
     * Returns when everything that was written before is as safe as the engine
     * can make it (see `KUMO_CAP_DURABLE_SYNC`). False: it is not.
     */
    bool (*sync)(void *data);
    /**
     * Calls `add` for every statistic: names of letters, digits and `_`, values
     * as text, both valid during the call. False: failed.
     */
    bool (*stats)(void *data, kumo_stats_add add, void *user);
    /**
     * Checks everything that is stored, and calls `report` for every fault, with
     * one line of text. Returns the number of faults, or a negative value: the
     * check itself failed. Reads and writes go on.
     */
    int64_t (*verify)(void *data, kumo_verify_report report, void *user);
    /**
     * Gives back the space of what has been deleted and overwritten. Reads and
     * writes go on. False: failed.
     */
    bool (*compact)(void *data);
    /**
     * As `for_each`, in the order of the keys, from the first key that is not
     * below `key`. For engines that keep an order.
     */
    int (*seek)(void *data,
                const char *key,
                size_t keylen,
                void *user,
                kumo_storage_visit func);
    /**
     * `get` for `num` keys at once: `vals[i]` and `vallens[i]` are set as `get`
     * would, `vals[i]` to NULL where the key is not found. False: failed, and
     * nothing of what it set counts.
     */
    bool (*getv)(void *data,
                 const char *const *keys,
                 const uint32_t *keylens,
                 uint32_t num,
                 const char **vals,
                 uint32_t *vallens,
                 struct msgpack_zone *zone);
    /**
     * Carries out `num` puts and deletes, in order, all or none: also when the
     * process is killed in the middle. False: none.
     */
    bool (*batch)(void *data, const struct kumo_change *changes, size_t num);
} kumo_plugin;

/**
 * A cleanup function, for `kumo_host.zone_push_finalizer`.
 */
typedef void (*kumo_finalizer)(void *data);

/**
 * The host's services to a plugin. It lives as long as the process.
 *
 * A host of a later version has a longer struct: what lies beyond
 * `struct_size` is not there.
 */
typedef struct kumo_host {
    /**
     * The size of this struct, in bytes, as the host knows it.
     */
    size_t struct_size;
    /**
     * The version of the contract that the host speaks.
     */
    uint32_t abi_version;
    /**
     * Writes a line to the host's log. Any thread; `text` is UTF-8, copied.
     * `level` is a `kumo_log`.
     */
    void (*log)(uint32_t level, const char *text);
    /**
     * Says that the call which this thread is in has failed, and why: this is
     * how a miss is told from a failure. `code` is a `kumo_error`; `text`
     * is UTF-8, copied. The host forgets it before the next call on this
     * thread.
     */
    void (*set_error)(int32_t code, const char *text);
    /**
     * `msgpack_zone_push_finalizer`, for who has no `<msgpack.h>`: `func(data)`
     * is called when the zone is cleared, last pushed first. False: no memory,
     * and it will not be called.
     */
    bool (*zone_push_finalizer)(struct msgpack_zone *zone, kumo_finalizer func, void *data);
    /**
     * `msgpack_zone_malloc`: memory, aligned to 8, that lives until the zone is
     * cleared; NULL: there is none.
     */
    void *(*zone_malloc)(struct msgpack_zone *zone, size_t size);
} kumo_host;

#if defined(__GNUC__)
#define KUMO_EXPORT __attribute__((visibility("default")))
#else
#define KUMO_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a classic plugin exports. Returns the table, by value.
 */
KUMO_EXPORT kumo_storage_op kumo_storage_init(void);

/**
 * What a described plugin exports; a host prefers it. `host_abi` is the host's
 * KUMO_ABI_VERSION. `host` lives as long as the process. Returns the description,
 * which must live as long; or NULL, having called `host->set_error`: the host
 * gives up.
 */
KUMO_EXPORT const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host);

/*
 * The headers that the host puts before keys and values, as kumofs does; numbers
 * are big-endian. An engine need not know them.
 *
 *   key    hash 8 | the client's key
 *   value  clocktime 8 | meta 2 | what meta describes | the client's data
 */
#define KUMO_KEY_HEADER_SIZE 8
#define KUMO_VALUE_HEADER_SIZE 10
#define KUMO_TOMBSTONE_SIZE 8

/** The big-endian number at `p`, 8 bytes long. */
static inline uint64_t kumo_read_be64(const char *p)
{
    uint64_t n = 0;
    int i;
    for (i = 0; i < 8; i++) {
        n = n << 8 | (unsigned char)p[i];
    }
    return n;
}

/** The hash in a stored key; 0 where the key is too short to have one. */
static inline uint64_t kumo_key_hash(const char *key, size_t keylen)
{
    return keylen < KUMO_KEY_HEADER_SIZE ? 0 : kumo_read_be64(key);
}

/**
 * The clocktime of a stored value or a tombstone: UNIX seconds in the upper 32 bits, a
 * Lamport clock in the lower. 0 where the value is too short to have one.
 */
static inline uint64_t kumo_value_clocktime(const char *val, size_t vallen)
{
    return vallen < KUMO_TOMBSTONE_SIZE ? 0 : kumo_read_be64(val);
}

/** Whether a stored value marks a deleted key: it has a clocktime and no meta. */
static inline bool kumo_value_is_tombstone(const char *val, size_t vallen)
{
    (void)val;
    return vallen >= KUMO_TOMBSTONE_SIZE && vallen < KUMO_VALUE_HEADER_SIZE;
}

/**
 * The meta field of a stored value, which says what precedes the data. 0 for a
 * tombstone and for what is too short.
 */
static inline uint16_t kumo_value_meta(const char *val, size_t vallen)
{
    return vallen < KUMO_VALUE_HEADER_SIZE
               ? 0
               : (uint16_t)((unsigned char)val[8] << 8 | (unsigned char)val[9]);
}

#ifdef __cplusplus
}
#endif

#endif /* KUMO_STORAGE_H */
