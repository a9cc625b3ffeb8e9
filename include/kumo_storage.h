/*
 * kumo_storage.h: write a storage engine for kumo, in C or C++.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * Made from plugins/sdk/src/abi.rs by cbindgen. Do not edit.
 *
 * This file is the manual too: kumo_storage(3) is made from the comments on its
 * types, and kumo-plugins(7) from what stands here.
 *
 * WHAT A PLUGIN IS
 *
 * A plugin is a shared library with a table of functions, kumo_storage_op. kumo-server
 * serves it over the memcached protocol; kumoctl copies, checks and measures it.
 * A plugin is one of two kinds, or both:
 *
 * A described plugin exports kumo_plugin_init(). It returns a kumo_plugin, which says
 * what the engine is, what it promises, which parameters it takes, and has the table
 * and operations beyond it. Write one of these. An author must write create, open,
 * close, free, get, set, del, update, for_each and four readers of the record that
 * for_each shows: iterator_key, iterator_val, iterator_keylen, iterator_vallen. The host
 * does without the others where they are NULL.
 *
 * A classic plugin exports kumo_storage_init(), as the storage modules of kumofs do, and
 * returns the table alone, whole but for updatev. One that was compiled for kumofs works
 * as it is.
 *
 * BUILDING AND LOADING
 *
 * The header and compat/msgpack.h need no library:
 *
 *     cc -shared -fPIC $(pkg-config --cflags kumo) -o libmine.so mine.c
 *     kumo-server -s PATH --storage ./libmine.so
 *     kumo-server -s PATH --storage mine
 *
 * A name with a slash is a path. Any other is sought, as it is and as libNAME.so, in
 * the directories of KUMO_PLUGIN_PATH, beside the program, in the plugins' directory
 * (pkg-config --variable=plugindir kumo), and in the working directory. A library that
 * everyone may write to, or that is neither root's nor the user's own, is refused.
 * Everything that it imports is resolved when it is loaded, nothing that it exports is
 * offered to other libraries, and it is never unloaded.
 *
 * THE LIFE OF AN INSTANCE
 *
 * create, open, any number of calls, close, free; or create, an open that fails, free.
 * There may be several instances at once, on different paths. None of these four runs
 * beside another call on the same instance. A process may also be killed at any
 * instant, which no function is told of.
 *
 * THREADS
 *
 * A plugin declares its thread model, and the host keeps to it: KUMO_THREAD_PARALLEL,
 * any number of calls at once; KUMO_THREAD_SERIALIZED, one at a time; KUMO_THREAD_SINGLE,
 * one at a time and all from one thread. A finalizer is a call in this sense, and so is
 * backup; a scan is one call, from its beginning to its end. A new engine begins well
 * with SERIALIZED: it needs no lock.
 *
 * MEMORY
 *
 * Everything passed in is the host's, and readable during the call. A value is handed to
 * the host through a msgpack_zone: memory and finalizers that end together. There are
 * three ways to its functions. kumo_host has two of them, zone_malloc and
 * zone_push_finalizer, and a described plugin needs no more. compat/msgpack.h, which
 * stands beside this file, has all of them, inline. So has msgpack-c's <msgpack.h>.
 * The host frees what they allocate: a plugin brings no malloc of its own for it.
 *
 * ERRORS
 *
 * A described plugin says why a call fails with kumo_host.set_error: a code, and a text
 * that says what failed, on what, and what to do. It is kept by thread, and the host
 * forgets the last call's before the next one. A result that may mean either, such as
 * a NULL from get, means a failure if set_error was called, and otherwise that there is
 * nothing. So a key that is not found, and a comparison that refuses, are no errors.
 * Clients see SERVER_ERROR with the text; the log has it too. A classic plugin has error
 * alone, and its misses cannot be told from failures.
 *
 * No exception and no panic may leave a function: the host ends the process, with the
 * plugin's name. Nor may a function call exit.
 *
 * FILES THAT ARE MAPPED
 *
 * To touch a page of a mapping that cannot be read raises SIGBUS, which ends the process
 * with every other database in it: when a disk fails, or when someone cuts the file short.
 * A plugin that maps files tells the host of each mapping (kumo_host.register_mapping);
 * such a page then reads as zeros, and a flag of the plugin's says so. It installs no
 * handler of its own. To write to a page for which the file system has no room is the same
 * signal: reserve the room first (posix_fallocate).
 *
 * PARAMETERS
 *
 * They stand behind the path, PATH#name=value#name=value, as in kumofs, and open is
 * given it all. On a command line, --storage-opt name=value appends one. A plugin lists
 * those that it takes in kumo_plugin.params, and the host refuses any others, and values
 * of the wrong type, before it calls open. The path of a backup has no parameters.
 *
 * GROWING
 *
 * The table never changes. kumo_plugin and kumo_host begin with their size and only grow
 * at their ends: what lies beyond the size that a plugin, or a host, was compiled with is
 * not there. So a plugin works with every later host, and, as long as it looks at
 * kumo_host.struct_size before it uses what is newer than version 1, with older ones.
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
 * Thread model: any number of calls at once, from any threads. A classic plugin
 * counts as this.
 */
#define KUMO_THREAD_PARALLEL 0

/**
 * Thread model: from any threads, one call at a time, so that an engine needs no
 * locks. Finalizers are calls too. It is the host that sees to it, for each
 * instance.
 */
#define KUMO_THREAD_SERIALIZED 1

/**
 * Thread model: one call at a time, all of them, from `create` to `free`, from
 * one thread, which is not the one that loaded the plugin. Finalizers are calls
 * too. For libraries that keep something by thread.
 */
#define KUMO_THREAD_SINGLE 2

/**
 * Capability: the data is in memory and gone after `close`, a crash or a kill.
 */
#define KUMO_CAP_VOLATILE (1 << 0)

/**
 * Capability: `for_each` and `seek` show records in the order of their keys,
 * byte by byte (unsigned), a shorter key before the longer one it begins.
 */
#define KUMO_CAP_ORDERED (1 << 1)

/**
 * Capability: after `sync` has returned true, what was written before survives
 * a loss of power.
 */
#define KUMO_CAP_DURABLE_SYNC (1 << 2)

/**
 * Capability: writes wait while `backup` runs. Users are told.
 */
#define KUMO_CAP_BACKUP_BLOCKS (1 << 3)

/**
 * Capability: any operation may be called from `for_each`'s callback, and
 * several scans may run at once, one within another too.
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
 * `oldval`, `oldvallen` are the record's present value, whole, readable during
 * the call; the engine keeps them. True: go ahead with the write or the delete;
 * false: leave the record as it is. The engine calls it under whatever lock
 * makes the comparison and the change one step, once for a record that exists
 * and never for one that does not, on the thread of the call that brought it.
 * It only compares: it neither enters the storage nor unwinds, and it is quick.
 */
typedef bool (*kumo_storage_casproc)(void *casdata, const char *oldval, size_t oldvallen);

/**
 * What `for_each` and `seek` call for every record, on the thread that called
 * them. A negative return value stops the scan. `iterator_data` is the
 * engine's, whatever the `iterator_` functions need; it is valid during the
 * call, and on this thread.
 */
typedef int (*kumo_storage_visit)(void *user, void *iterator_data);

/**
 * A storage engine: 22 functions, 176 bytes, in the order of kumofs.
 *
 * `data` is always what `create` returned. What holds for every function:
 *
 * Threads: between `open` and `close` the functions are called from many
 * threads at once, unless the plugin declares otherwise (`KUMO_THREAD_...`).
 *
 * Memory: keys and values hold any byte, are not terminated and may be empty;
 * the pointer of an empty one is not NULL, and there is nothing to read at it.
 * What is passed in belongs to the host and is readable during the call: copy
 * what is to be kept. What is handed out through a zone lives until the zone's
 * finalizers run, whatever happens to the record meanwhile.
 *
 * Errors: a function that fails says so by its result, and why by
 * `kumo_host.set_error`. What is no failure (a key that is not there, a `proc`
 * that refuses) has the same result, and calls no `set_error`. A call that
 * fails changes nothing. No exception may leave a function.
 */
typedef struct kumo_storage_op {
    /**
     * Makes an instance. Returns what is passed on as `data`, or NULL: the host
     * gives up. There may be several instances at once, each with a database of
     * its own: keep what is theirs in `data`, not in static variables.
     */
    void *(*create)(void);
    /**
     * Frees the instance, and all that it holds: threads and descriptors too.
     * The last call, after `close`, or after an `open` that failed.
     */
    void (*free)(void *data);
    /**
     * Opens the database at `path`, and makes it where there is none. `path` is a
     * C string, valid during the call: what the user typed, parameters included
     * (`data.db#name=value#name=value`): the name of the file ends at the first
     * `#`. False: the host reads `error` and calls `free`, but not `close`.
     *
     * It checks what it opens: a file that is not its own or is damaged is a
     * failure (`KUMO_ERROR_INVALID`, `KUMO_ERROR_CORRUPT`) and is not written to;
     * so is one that another process has open (`KUMO_ERROR_BUSY`). What a killed
     * process left behind is no damage.
     */
    bool (*open)(void *data, const char *path);
    /**
     * Closes the database; what was stored is there when it is opened again,
     * unless the engine is `KUMO_CAP_VOLATILE`. No other call is under way, and
     * every zone that a value was returned through has been cleared. It cannot
     * fail, but the host logs what it says to `set_error`.
     */
    void (*close)(void *data);
    /**
     * Finds a value. Returns it and sets `*result_vallen`; or returns NULL: not
     * found, or failed (then with `set_error`). A value of length 0 is found, so
     * not NULL.
     *
     * The memory lives until the zone's finalizers run, also when the record is
     * overwritten or deleted before. Either it is the zone's own
     * (`kumo_host.zone_malloc` or `msgpack_zone_malloc`), or a finalizer gives it
     * back (`kumo_host.zone_push_finalizer` or `msgpack_zone_push_finalizer`):
     * free a copy, drop a reference. Where a finalizer is not taken (false), give
     * the memory back at once, and fail. The host only reads the memory. It clears
     * the zone before `close`, soon, and in a parallel engine perhaps on another
     * thread.
     */
    const char *(*get)(void *data,
                       const char *key,
                       uint32_t keylen,
                       uint32_t *result_vallen,
                       struct msgpack_zone *zone);
    /**
     * Copies at most `vallen` bytes of the value's start to `result_val`, which
     * is the host's, and returns how many were copied: 0 for an empty value. Not
     * found, or failed: -1. (A classic engine may return 0 for what is not found.)
     *
     * NULL: the host calls `get`.
     */
    int32_t (*get_header)(void *data,
                          const char *key,
                          uint32_t keylen,
                          char *result_val,
                          uint32_t vallen);
    /**
     * Stores a value, whether the key is there or not. When it returns true, every
     * later call finds the value, also in another process if this one is killed,
     * unless the engine is `KUMO_CAP_VOLATILE`. False: failed, with `set_error`
     * (`KUMO_ERROR_FULL`: the disk is full), and what was there is there still. No
     * reader sees a part of a value, or the key without one.
     */
    bool (*set)(void *data,
                const char *key,
                uint32_t keylen,
                const char *val,
                uint32_t vallen);
    /**
     * Deletes a record if `proc` agrees; `proc` is not NULL. Not found: false,
     * and `proc` is not called. Found: `proc` decides, in one step with the
     * delete; true where it agreed and the record is gone. Failed: false, with
     * `set_error`, and the record is there still.
     */
    bool (*del)(void *data,
                const char *key,
                uint32_t keylen,
                kumo_storage_casproc proc,
                void *casdata);
    /**
     * Stores a value if `proc` agrees; `proc` is not NULL. Not found: stores
     * without calling `proc`. Found: `proc` decides, in one step with the write;
     * false where it refused. Stored: as by `set`. Failed: false, with `set_error`.
     */
    bool (*update)(void *data,
                   const char *key,
                   uint32_t keylen,
                   const char *val,
                   uint32_t vallen,
                   kumo_storage_casproc proc,
                   void *casdata);
    /**
     * Stores `num` values in order, each as `set` does, and returns how many were
     * stored: fewer than `num` where the next one failed, with `set_error`. A key
     * may come twice; the later value stays. No length is above 32 bits. For what
     * is loaded in bulk.
     *
     * NULL: the host calls `set`. The only slot of a classic table that may be NULL.
     */
    int (*updatev)(void *data,
                   const char **keys,
                   const size_t *keylens,
                   const char **vals,
                   const size_t *vallens,
                   uint16_t num);
    /**
     * The number of records, as `for_each` would show them. While writes go on it
     * may lag behind. It is asked often, and should not scan.
     *
     * NULL: the host counts by a scan.
     */
    uint64_t (*rnum)(void *data);
    /**
     * Writes a copy of the database, a consistent point in time, that `open` can
     * open. It has every write that returned before the call. It is written to
     * `dstpath` with `.tmp` behind it, which is synced and then given the name
     * `dstpath`; then the directory is synced. What stands at `dstpath` already is
     * not replaced: that is a failure, and nothing is left behind on failure.
     * `dstpath` is a C string, valid during the call, without parameters.
     *
     * The host makes one backup of a database at a time, so a `.tmp` that is there
     * already was left by a backup that was killed, and must not stop this one. It
     * is removed first, and not written over: it may be another name of a backup
     * that was finished, or a link.
     *
     * It is called from a thread of its own. Reads and writes go on meanwhile; an
     * engine whose writes must wait declares `KUMO_CAP_BACKUP_BLOCKS`. An engine
     * without backups returns false, with `KUMO_ERROR_UNSUPPORTED`.
     *
     * NULL: the host opens a second instance at the copy's name and fills it.
     */
    bool (*backup)(void *data, const char *dstpath);
    /**
     * The text of the last error on this thread, or of the last error: a C string,
     * never NULL, valid until the next call on this thread. Called after a call
     * that failed and said nothing to `set_error`, also after an `open` that
     * failed.
     *
     * NULL: what was said to `set_error` is all there is.
     */
    const char *(*error)(void *data);
    /**
     * Calls `func` for every record, in any order. Returns 0 or more at the end; a
     * negative value from `func` stops it and is returned unchanged; other values
     * mean nothing. A scan that fails returns a negative value and calls
     * `set_error`: it does not end as if that were all.
     *
     * A record that is there from the beginning to the end is shown once; one that
     * is written or deleted meanwhile by another thread is shown once or not at
     * all, and always whole. `func` may take long: an engine that holds a lock
     * over it makes others wait.
     *
     * `func` may delete the record that it is shown with `iterator_del` or
     * `iterator_del_force`; it makes no other calls on the storage, and there is
     * one scan at a time, unless the engine is `KUMO_CAP_REENTRANT_SCAN`.
     */
    int (*for_each)(void *data, void *user, kumo_storage_visit func);
    /**
     * The current record's key, readable during the callback, also when the
     * record has been deleted in it.
     */
    const char *(*iterator_key)(void *iterator_data);
    /**
     * The current record's value, readable during the callback, also when the
     * record has been deleted in it.
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
     * The current record's key, moved to the zone: it outlives the callback, as
     * what `get` returns outlives the call. NULL: failed. The host reads the
     * length first, and asks for the key no more; but it may still release the
     * value, and delete the record.
     *
     * NULL: the host copies the key.
     */
    const char *(*iterator_release_key)(void *iterator_data, struct msgpack_zone *zone);
    /**
     * The current record's value, moved to the zone: as `iterator_release_key`.
     *
     * NULL: the host copies the value.
     */
    const char *(*iterator_release_val)(void *iterator_data, struct msgpack_zone *zone);
    /**
     * Deletes the current record if `proc` agrees, as `del` does: `proc` is asked
     * about the value that is there now. False: refused, or gone already, or
     * failed (then with `set_error`). The scan goes on with the next record.
     *
     * NULL: the host deletes by key, after the scan.
     */
    bool (*iterator_del)(void *iterator_data, kumo_storage_casproc proc, void *casdata);
    /**
     * Deletes the current record. False: it is gone already, or failed (then with
     * `set_error`).
     *
     * NULL: as for `iterator_del`.
     */
    bool (*iterator_del_force)(void *iterator_data);
} kumo_storage_op;

/**
 * A parameter that `open` takes: `PATH#name=value`. The host checks what is
 * typed against the list, and shows the list to users; `open` reads the values
 * from the path, and sees to the defaults.
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
 * Takes one statistic, for `kumo_plugin.stats`. `user` is what `stats` was
 * called with.
 */
typedef void (*kumo_stats_add)(void *user, const char *name, const char *value);

/**
 * Takes one fault, for `kumo_plugin.verify`, or one loss, for `repair`. `user`
 * is what that was called with.
 */
typedef void (*kumo_verify_report)(void *user, const char *text);

/**
 * A put or a delete, for `kumo_plugin.batch`. What it points to is the host's,
 * and readable during the call.
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
 * a host copies no more than that, so that it may grow at the end. All texts
 * are C strings of UTF-8 that live as long as the process. In C, set it with
 * designated initialisers (`.struct_size = sizeof(kumo_plugin)`): what is not
 * named is NULL, and the host does without.
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
     * The table. A described plugin may leave these slots NULL, and the host does
     * without: get_header, updatev, rnum, backup, error, iterator_release_key,
     * iterator_release_val, iterator_del, iterator_del_force. What it does then is
     * correct, and slower.
     */
    struct kumo_storage_op op;
    /**
     * Returns when everything that was written before the call is as safe as
     * the engine can make it (see `KUMO_CAP_DURABLE_SYNC`). Reads and writes go
     * on meanwhile. False: it is not, with `set_error`.
     *
     * This and all that follows is optional: NULL, or beyond `struct_size`.
     */
    bool (*sync)(void *data);
    /**
     * Calls `add` for every statistic: names of letters, digits and `_`, values
     * as text on one line, both C strings, copied. Reads and writes go on. False:
     * failed, with `set_error`.
     */
    bool (*stats)(void *data, kumo_stats_add add, void *user);
    /**
     * Checks everything that is stored, and calls `report` for every fault, with
     * one line of text, copied. Returns the number of faults, or a negative value,
     * with `set_error`: the check itself failed. It repairs nothing. Reads and
     * writes go on.
     */
    int64_t (*verify)(void *data, kumo_verify_report report, void *user);
    /**
     * Gives back the space of what has been deleted and overwritten. Reads and
     * writes go on, and values that were read before stay where they are. False:
     * failed, with `set_error`, and nothing is lost.
     */
    bool (*compact)(void *data);
    /**
     * As `for_each`, in the order of the keys (see `KUMO_CAP_ORDERED`), from the
     * first key that is not below `key`; an empty `key` shows all. For engines that
     * keep an order.
     */
    int (*seek)(void *data,
                const char *key,
                size_t keylen,
                void *user,
                kumo_storage_visit func);
    /**
     * `get` for `num` keys at once: `vals[i]` and `vallens[i]` are set as `get`
     * would, `vals[i]` to NULL where the key is not found. A key may come twice;
     * `num` may be 0. The keys are not read at one moment. False: failed, with
     * `set_error`, and nothing of what it set counts; what the zone has taken by
     * then stays in it.
     *
     * NULL: the host calls `get`.
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
     * process is killed in the middle. To other threads they happen at once: who
     * has seen one of them sees them all. A key may come several times: the last
     * one holds. To delete a key that is not there is no failure; `num` may be 0.
     * An engine may bound how large a batch is; a larger one fails with
     * `KUMO_ERROR_INVALID`. False: none of them, with `set_error`.
     */
    bool (*batch)(void *data, const struct kumo_change *changes, size_t num);
    /**
     * Salvages what is whole of a damaged database, which `open` may refuse: the
     * newest record of every key, as far as that can be told, is written to a new
     * database at `to`, by way of `to` with `.tmp` behind it, as `backup` does. What
     * stands at `to` already is not replaced. `from` is only read, and must not be
     * open anywhere (`KUMO_ERROR_BUSY`). Both are C strings, valid during the call,
     * without parameters.
     *
     * `report` is called for everything that is lost, with one line of text, copied,
     * that says what and where. Returns the number of records in the new database,
     * or a negative value, with `set_error`: there is none then.
     *
     * Called without an instance, on any thread, but as the thread model says.
     */
    int64_t (*repair)(const char *from,
                      const char *to,
                      kumo_verify_report report,
                      void *user);
} kumo_plugin;

/**
 * A cleanup function, for `kumo_host.zone_push_finalizer`. It may not fail,
 * nor call the storage.
 */
typedef void (*kumo_finalizer)(void *data);

/**
 * The host's services to a plugin. It lives as long as the process; any thread
 * may call them, from within a call or a thread of the plugin's own.
 *
 * A host of a later version has a longer struct: what lies beyond
 * `struct_size` is not there. All members up to `zone_malloc` are there in version 1.
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
     * Writes a line to the host's log. `level` is a `kumo_log`; `text` is UTF-8,
     * copied.
     */
    void (*log)(uint32_t level, const char *text);
    /**
     * Says that the call which this thread is in has failed, and why: this is how
     * a miss is told from a failure. `code` is a `kumo_error`; `text` is UTF-8,
     * copied: what failed, on what, and what to do; clients and the log get to see
     * it. The last one in a call counts, and the host forgets it before the next
     * call on this thread.
     */
    void (*set_error)(int32_t code, const char *text);
    /**
     * `msgpack_zone_push_finalizer`, for who has no `<msgpack.h>`: `func(data)` is
     * called when the zone is cleared, last pushed first. False: no memory, and it
     * will not be called. `zone` is one that the host passed in, within that call.
     */
    bool (*zone_push_finalizer)(struct msgpack_zone *zone, kumo_finalizer func, void *data);
    /**
     * `msgpack_zone_malloc`: memory, aligned to 8, that lives until the zone is
     * cleared; NULL: there is none.
     */
    void *(*zone_malloc)(struct msgpack_zone *zone, size_t size);
    /**
     * Says how far the call that this thread is in has come: so much of a total,
     * in units of the engine's own; a total of 0 is not known. For what takes
     * long: `verify`, `compact`, `repair`. It is cheap; users see it as a bar.
     *
     * This and all that follows may lie beyond `struct_size`.
     */
    void (*progress)(uint64_t done, uint64_t total);
    /**
     * Says that a mapping of a file stands there, beginning and ending with a
     * page, of which a page may not be readable: the disk fails, or someone
     * cuts the file short. Unregistered, that ends the process (SIGBUS). The
     * host has the one handler, for all plugins: it puts a page of zeros, or
     * several, in the place of what cannot be read, and sets `*failed` to 1, in
     * any thread and at any instant: read it atomically. What is written to the
     * mapping from then on may not reach the file, so an engine that writes
     * through it looks at `failed` when it has written, and from then on refuses
     * writes until it is opened anew. It tells zeros from data by its own checks.
     *
     * `failed` is the plugin's, 0 at first, and stays where it is until the
     * mapping is unregistered; several mappings may share one. False: the mapping
     * is not registered; there may be no room for more.
     */
    bool (*register_mapping)(void *address, size_t length, uint32_t *failed);
    /**
     * Forgets a mapping that was registered at this address; to be called before
     * it is unmapped, when no one uses it any more.
     */
    void (*unregister_mapping)(void *address);
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
 * What a classic plugin exports. Returns the table, by value. Called before any other
 * function, and perhaps more than once.
 */
KUMO_EXPORT kumo_storage_op kumo_storage_init(void);

/**
 * What a described plugin exports; a host prefers it. `host_abi` is the host's
 * KUMO_ABI_VERSION, which may be lower or higher than the plugin's. `host` lives as long
 * as the process: keep it. Returns the description, which must live as long; or NULL,
 * having called `host->set_error`: the host gives up. Called before any other function,
 * and perhaps more than once.
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
