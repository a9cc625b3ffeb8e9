/*
 * memcached/engine.h: write a storage engine for memcached's engine interface.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * The names and the layout are memcached's: its branch engine-pu, as the header stood in
 * 2013, the last of it. So an engine that was compiled for that header runs on kumo as it
 * is, and one that is compiled with this header runs on that memcached. The number of the
 * interface was always 1 while the header changed, so an older or a newer engine must be
 * compiled again. The text is kumo's, and says what kumo-server does.
 *
 * This file is the manual. It includes protocol_binary.h, and is complete. Beside it
 * stand vbucket.h and util.h; the other headers of this directory have names that engines
 * of the time include, and lead here.
 *
 * WHAT AN ENGINE IS
 *
 * A shared library that exports one function, create_instance (see CREATE_INSTANCE). It
 * answers with a table of functions, ENGINE_HANDLE_V1. An engine need not know the
 * protocol: it keeps items, and the server talks to the clients.
 *
 *     cc -shared -fPIC $(pkg-config --cflags kumo) -o fs_engine.so fs_engine.c
 *     kumo-server -E ./fs_engine.so -e "dir=/var/lib/fs"
 *
 * -E names the engine, -e is handed to initialize as it is, by custom in the form
 * key=value;key=value, which core->parse_config reads.
 *
 * An author must write get_info, initialize, destroy, allocate, remove, release, get,
 * store, flush, get_stats, reset_stats, item_set_cas and get_item_info: a NULL in one of
 * these places is refused. The others may be NULL, and so may, always, tap_notify and
 * get_tap_iterator, which the server does not call.
 *
 * THE LIFE OF AN INSTANCE
 *
 * create_instance, initialize, any number of calls, destroy. create_instance initializes
 * nothing: it only allocates the table. If the handle's interface is not 1, destroy is
 * called at once; if initialize fails, destroy is called next. initialize is called once,
 * and nothing else before it has returned. When destroy is called, no other call is under
 * way and every item has been released; nothing of the engine's is used once it has
 * returned. A process may also be killed at any instant, which no function is told of.
 *
 * THREADS
 *
 * Between initialize and destroy the functions are called from many threads at once, also
 * for one key. An engine brings its own locks. For one cookie there is never more than
 * one call at a time. The functions of the server may be called from any thread, the
 * engine's own included, and from within a call, unless they say otherwise.
 *
 * COOKIES
 *
 * A cookie stands for the connection of a client. It is opaque, never NULL in a call that
 * a client caused, and valid from ON_CONNECT until ON_DISCONNECT has returned, or longer:
 * as long as the engine has it reserved (cookie->reserve).
 *
 * ITEMS AND MEMORY
 *
 * An item is the engine's, and opaque to the server. It comes from allocate, to be filled
 * and stored, or from get, to be read, and the server gives each one back by release,
 * always, whatever became of it, on any thread. Until then its memory stays where it is
 * and as it was, also if the key is overwritten or deleted. What an item contains the
 * server learns from get_item_info. Keys and values hold any byte and are not terminated;
 * what is passed in is readable during the call.
 *
 * To store, the server calls allocate; item_set_cas, with the number that the client
 * gave, or 0; get_item_info; writes the value to where value[] points; store; release.
 * An allocate that fails for a set is followed by a remove of the key: the client has
 * lost its value, and must not see the old one.
 *
 * TIMES
 *
 * What a client says of an expiry is handed on as it came: 0, never; up to 30 days,
 * seconds from now; beyond, a UNIX time. core->realtime makes a rel_time_t of it, which
 * counts seconds since a moment shortly before the server's start and compares with
 * core->get_current_time. A client's negative time arrives as 30 days and a second, a
 * UNIX time long past. An engine whose items outlive the server keeps core->abstime of
 * the rel_time_t.
 *
 * EWOULDBLOCK
 *
 * A function that answers ENGINE_EWOULDBLOCK has begun something, and will call
 * cookie->notify_io_complete(cookie, status) exactly once, from any thread, perhaps
 * before it has itself returned. Until then the connection waits, and the thread serves
 * others. Then the server looks at the status. ENGINE_SUCCESS: it makes the same call
 * again, with the same arguments and, for store, the same item, and the engine answers
 * from what it has prepared (or with ENGINE_EWOULDBLOCK once more). Any other status is
 * the answer, and no call is made. Arguments that are pointers are valid during each
 * call, not between the two. If the client goes away meanwhile, there is no second call,
 * and after some seconds the connection's ON_DISCONNECT says so, with the item of a store
 * released before it. The cookie stays valid for the notify that is owed; what else is to
 * be done with it after ON_DISCONNECT needs a reserve. A notify that nobody waits for is
 * ignored. Only calls with a cookie may block; release, item_set_cas, get_item_info,
 * reset_stats and errinfo cannot.
 *
 * ERRORS
 *
 * The codes are listed at ENGINE_ERROR_CODE, with what a client of the text protocol gets
 * to see. A call that fails changes nothing. No exception may leave a function, and none
 * may call exit. What an engine has to say to the operator it gives to the logger
 * (log->get_logger()).
 */
#ifndef MEMCACHED_ENGINE_H
#define MEMCACHED_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "protocol_binary.h"

/** create_instance must be visible also where all else is compiled hidden. */
#ifndef MEMCACHED_PUBLIC_API
#if defined(__GNUC__)
#define MEMCACHED_PUBLIC_API __attribute__((visibility("default")))
#else
#define MEMCACHED_PUBLIC_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What create_instance is passed, and what the table must begin with. */
#define ENGINE_INTERFACE_VERSION 1

/* ---- codes ---- */

/**
 * What a function answers, and, in the comments, what store makes of it in the text
 * protocol. For get, all but SUCCESS, EWOULDBLOCK and DISCONNECT is a miss. For remove,
 * KEY_ENOENT is NOT_FOUND.
 */
typedef enum {
    ENGINE_SUCCESS = 0x00, /**< done: STORED */
    ENGINE_KEY_ENOENT = 0x01, /**< no such key: NOT_FOUND */
    ENGINE_KEY_EEXISTS = 0x02, /**< the item has another CAS: EXISTS */
    ENGINE_ENOMEM = 0x03, /**< SERVER_ERROR out of memory */
    ENGINE_NOT_STORED = 0x04, /**< add of a present key, replace of an absent: NOT_STORED */
    ENGINE_EINVAL = 0x05, /**< CLIENT_ERROR invalid arguments; arithmetic: not a number */
    ENGINE_ENOTSUP = 0x06, /**< SERVER_ERROR not supported */
    ENGINE_EWOULDBLOCK = 0x07, /**< notify_io_complete will follow: nothing yet */
    ENGINE_E2BIG = 0x08, /**< CLIENT_ERROR value too big */
    ENGINE_WANT_MORE = 0x09, /**< of no use to engines */
    ENGINE_DISCONNECT = 0x0a, /**< the connection is closed, without an answer */
    ENGINE_EACCESS = 0x0b, /**< CLIENT_ERROR access control violation */
    ENGINE_NOT_MY_VBUCKET = 0x0c, /**< the vbucket is not 0 */
    ENGINE_TMPFAIL = 0x0d, /**< SERVER_ERROR temporary failure */
    ENGINE_ERANGE = 0x0e, /**< a number is out of range */
    ENGINE_FAILED = 0xff /**< SERVER_ERROR failure */
} ENGINE_ERROR_CODE;

/** What store is to do. A CAS that is not 0 in the item is compared in every one. */
typedef enum {
    OPERATION_ADD = 1, /**< only if the key is absent; else ENGINE_NOT_STORED */
    OPERATION_SET, /**< in any case */
    OPERATION_REPLACE, /**< only if the key is present; else ENGINE_NOT_STORED */
    OPERATION_APPEND, /**< the value goes behind the present one; absent: NOT_STORED */
    OPERATION_PREPEND, /**< the value goes before the present one; absent: NOT_STORED */
    OPERATION_CAS /**< if the CAS matches; else KEY_EEXISTS; absent: KEY_ENOENT */
} ENGINE_STORE_OPERATION;

/* ---- items ---- */

/** Seconds since a moment shortly before the server's start. 0 as an expiry: never. */
typedef uint32_t rel_time_t;

/** The engine's own; the server never looks behind the pointer. */
typedef void item;

/** What get_item_info tells of an item. 56 bytes. */
typedef struct {
    uint64_t cas; /**< the item's CAS unique; 0: the engine has none */
    rel_time_t exptime; /**< when it expires; 0: never */
    uint32_t nbytes; /**< the length of the value, all pieces together */
    uint32_t flags; /**< as allocate was given them: in network order */
    uint8_t clsid; /**< a class of the engine's; the server does not look at it */
    uint16_t nkey; /**< the length of the key */
    /** In: how many elements value has room for, 1 or more. Out: how many are used. */
    uint16_t nvalue;
    const void *key; /**< valid until release, as is what value points to */
    struct iovec value[1]; /**< the pieces of the value, in order */
} item_info;

/** What get_auth_data tells, and ON_AUTH's event_data. NULL where there is nothing. */
typedef struct {
    const char *username;
    const char *config;
} auth_data_t;

/* ---- handles and callbacks ---- */

#ifdef __WIN32__
#undef interface
#endif

/** What every table begins with. A pointer to it is the engine's handle. 8 bytes. */
typedef struct engine_interface {
    uint64_t interface; /**< the version of the table: 1 */
} ENGINE_HANDLE;

typedef struct server_handle_v1_t SERVER_HANDLE_V1;

/** Answers the server's tables: the same at each call, valid as long as the process. */
typedef SERVER_HANDLE_V1 *(*GET_SERVER_API)(void);

/**
 * How get_stats reports a line: STAT key val. The cookie is the one that get_stats was
 * given. Key and value are copied, are text, and need no terminator. Only during the call.
 */
typedef void (*ADD_STAT)(const char *key, const uint16_t klen, const char *val,
                         const uint32_t vlen, const void *cookie);

/**
 * How unknown_command answers, at most once in a call, and only during it. Everything is
 * copied. status is a protocol_binary_response_status, datatype is 0; ext, the extras, is
 * in network order; status and cas are in the host's. False: no memory; then answer
 * ENGINE_FAILED.
 */
typedef bool (*ADD_RESPONSE)(const void *key, uint16_t keylen, const void *ext, uint8_t extlen,
                             const void *body, uint32_t bodylen, uint8_t datatype,
                             uint16_t status, uint64_t cas, const void *cookie);

/** What register_callback can ask for. */
typedef enum {
    ON_CONNECT = 0, /**< a client has connected; before the first call for its cookie */
    ON_DISCONNECT = 1, /**< a client is gone; no call for its cookie will follow */
    ON_AUTH = 2, /**< a client has authenticated; event_data is an auth_data_t * */
    ON_SWITCH_CONN = 3, /**< never raised by kumo: its threads serve connections by turns */
    ON_LOG_LEVEL = 4 /**< the level of the log has changed: ask log->get_level */
} ENGINE_EVENT_TYPE;

#define MAX_ENGINE_EVENT_TYPE 5

/**
 * Called for an event, on the connection's thread. cb_data is what was registered, and
 * event_data is NULL unless the event says otherwise. The cookie is NULL for
 * ON_LOG_LEVEL. It must not block.
 */
typedef void (*EVENT_CALLBACK)(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                               const void *cb_data);

/* ---- configuration ---- */

/** The type of a configured value. */
enum config_datatype {
    DT_SIZE, /**< a number of bytes: digits, perhaps with k, m, g or t behind them */
    DT_FLOAT,
    DT_BOOL, /**< true or false, on or off */
    DT_STRING, /**< any text; a semicolon in it is written \; */
    DT_CONFIGFILE /**< the name of a file of lines of key = value; kumo does not read it */
};

/** Where the value goes: the member that the type names. */
union config_value {
    size_t *dt_size;
    float *dt_float;
    bool *dt_bool;
    char **dt_string; /**< is set to memory of malloc's, which the engine frees */
};

/** A key that an engine knows. An array of these ends with one whose key is NULL. */
struct config_item {
    const char *key;
    enum config_datatype datatype;
    union config_value value;
    bool found; /**< set to true where the configuration has the key */
};

/* ---- what the server offers ---- */

typedef struct {
    /** The time now. It advances once a second. */
    rel_time_t (*get_current_time)(void);
    /**
     * Makes a client's expiry comparable with get_current_time. 0 is 0; what has passed
     * before the server's start is 1.
     */
    rel_time_t (*realtime)(const time_t exptime);
    /** The UNIX time of a rel_time_t. (So abstime(0) is no "never": look before.) */
    time_t (*abstime)(const rel_time_t exptime);
    /** The server's version, a C string that stays. */
    const char *(*server_version)(void);
    /** A hash of 32 bits, the same for the same bytes and seed in this process. */
    uint32_t (*hash)(const void *data, size_t size, uint32_t seed);
    /**
     * Reads key=value;key=value into what the items point to. What is not found is left as
     * it was. 0: well; 1: well, but there are keys that no item has; -1: a value is not
     * of its type. The latter two are described on `error`, if that is not NULL. Spaces
     * around keys and values are dropped.
     */
    int (*parse_config)(const char *str, struct config_item items[], FILE *error);
    /** Asks the server to stop, as a signal would. It returns, and destroy follows later. */
    void (*shutdown)(void);
    /**
     * Asks for the server's own settings, by the names that `stats settings` has. True if
     * all were found. Sets strings as parse_config does.
     */
    bool (*get_config)(struct config_item items[]);
} SERVER_CORE_API;

typedef struct {
    /**
     * Counters by thread, for an engine that hosts other engines, each with counters of its
     * own. Kumo keeps its counters elsewhere: the memory is the engine's, zeroed, to be
     * answered from get_stats_struct and given back to release_stats. NULL: no memory.
     */
    void *(*new_stats)(void);
    void (*release_stats)(void *stats);
    /** An item of this key was evicted to make room. Counted in `stats` as evictions. */
    void (*evicting)(const void *cookie, const void *key, int nkey);
} SERVER_STAT_API;

typedef struct {
    /** The client's socket; -1 where there is none. Not to be read, written or closed. */
    int (*get_socket_fd)(const void *cookie);
    /** Who the client is. Kumo authenticates nobody: both members are set to NULL. */
    void (*get_auth_data)(const void *cookie, auth_data_t *data);
    /** Keeps one pointer with the connection. The engine frees what it points to. */
    void (*store_engine_specific)(const void *cookie, void *engine_data);
    /** That pointer, or NULL. Also in ON_DISCONNECT, and as long as it is reserved. */
    void *(*get_engine_specific)(const void *cookie);
    /** Ends an ENGINE_EWOULDBLOCK: see above. From any thread. */
    void (*notify_io_complete)(const void *cookie, ENGINE_ERROR_CODE status);
    /** Keeps the cookie valid until release, also when the client goes away. Counted. */
    ENGINE_ERROR_CODE (*reserve)(const void *cookie);
    /** Undoes one reserve. ENGINE_EINVAL: there was none. */
    ENGINE_ERROR_CODE (*release)(const void *cookie);
} SERVER_COOKIE_API;

typedef struct {
    /**
     * Has cb called with cb_data for every event of this type, in the order of
     * registering. To be called from initialize, with the engine's own handle.
     */
    void (*register_callback)(ENGINE_HANDLE *engine, ENGINE_EVENT_TYPE type, EVENT_CALLBACK cb,
                              const void *cb_data);
    /** Raises an event, for an engine that hosts others; data is the event_data. */
    void (*perform_callbacks)(ENGINE_EVENT_TYPE type, const void *data, const void *cookie);
} SERVER_CALLBACK_API;

/** What an extension's functions answer. */
typedef enum {
    EXTENSION_SUCCESS = 0x00,
    EXTENSION_FATAL = 0xfe,
    EXTENSION_FAILED = 0xff
} EXTENSION_ERROR_CODE;

/** The kinds of extensions. Kumo knows loggers, and keeps a list of daemons. */
typedef enum {
    EXTENSION_DAEMON = 0x00, /**< shares the process, and that is all */
    EXTENSION_LOGGER, /**< takes what is logged */
    EXTENSION_ASCII_PROTOCOL /**< commands of its own; refused */
} extension_type_t;

/** How much a message matters, the greater the more. The log shows its level and above. */
typedef enum {
    EXTENSION_LOG_DETAIL,
    EXTENSION_LOG_DEBUG,
    EXTENSION_LOG_INFO,
    EXTENSION_LOG_WARNING
} EXTENSION_LOG_LEVEL;

/** A daemon's descriptor. */
typedef struct extension_daemon_descriptor {
    const char *(*get_name)(void); /**< a C string, valid until it is unregistered */
    struct extension_daemon_descriptor *next; /**< the server's, while it is registered */
} EXTENSION_DAEMON_DESCRIPTOR;

/** A logger. The server has one; an engine may register another in its place. */
typedef struct {
    const char *(*get_name)(void); /**< a C string, valid until it is unregistered */
    /**
     * Logs a message, formatted as by printf, without a line end. The cookie may be NULL.
     * From any thread; what is below the level is dropped.
     */
    void (*log)(EXTENSION_LOG_LEVEL severity, const void *client_cookie, const char *fmt, ...);
} EXTENSION_LOGGER_DESCRIPTOR;

typedef struct {
    /**
     * Registers a descriptor, which stays the engine's and must live until it is
     * unregistered or destroy returns. A logger replaces the one before. False: refused.
     */
    bool (*register_extension)(extension_type_t type, void *extension);
    /** Takes it back. A logger's place is the server's own logger's again. */
    void (*unregister_extension)(extension_type_t type, void *extension);
    /** The logger in place, or the first daemon, or NULL. */
    void *(*get_extension)(extension_type_t type);
} SERVER_EXTENSION_API;

typedef struct {
    /** The logger in place, never NULL. Ask each time: it may be replaced. */
    EXTENSION_LOGGER_DESCRIPTOR *(*get_logger)(void);
    /** The least level that is shown: WARNING without -v, then INFO, DEBUG, DETAIL. */
    EXTENSION_LOG_LEVEL (*get_level)(void);
    /** Changes the level, for all of the server; raises ON_LOG_LEVEL. */
    void (*set_level)(EXTENSION_LOG_LEVEL severity);
} SERVER_LOG_API;

/** The server's tables. None is NULL, and no function in them is. 64 bytes. */
struct server_handle_v1_t {
    uint64_t interface; /**< 1 */
    SERVER_CORE_API *core;
    SERVER_STAT_API *stat;
    SERVER_EXTENSION_API *extension;
    SERVER_CALLBACK_API *callback;
    ENGINE_HANDLE *engine; /**< the engine that is served; NULL before initialize */
    SERVER_LOG_API *log;
    SERVER_COOKIE_API *cookie;
};

/* ---- what the engine says of itself ---- */

/** Features that have a name. */
typedef enum {
    ENGINE_FEATURE_CAS, /**< store compares, and items have a CAS */
    ENGINE_FEATURE_PERSISTENT_STORAGE, /**< what is stored outlives the process */
    ENGINE_FEATURE_SECONDARY_ENGINE, /**< hosts another engine */
    ENGINE_FEATURE_ACCESS_CONTROL,
    ENGINE_FEATURE_MULTI_TENANCY,
    ENGINE_FEATURE_LRU, /**< evicts what was not used for long */
    ENGINE_FEATURE_VBUCKET
#define LAST_REGISTERED_ENGINE_FEATURE ENGINE_FEATURE_VBUCKET
} engine_feature_t;

typedef struct {
    uint32_t feature; /**< an engine_feature_t, or a number of one's own, bit 31 set */
    const char *description; /**< a C string; NULL: the feature's name will do */
} feature_info;

/** Allocate more than sizeof for more than one feature. */
typedef struct {
    const char *description; /**< a C string, for the log */
    uint32_t num_features; /**< how many stand in features; may be 0 */
    feature_info features[1];
} engine_info;

/* ---- TAP, which kumo does not speak: the types are here for the two unused slots ---- */

typedef enum {
    TAP_MUTATION = 1,
    TAP_DELETION,
    TAP_FLUSH,
    TAP_OPAQUE,
    TAP_VBUCKET_SET,
    TAP_ACK,
    TAP_DISCONNECT,
    TAP_NOOP,
    TAP_PAUSE,
    TAP_CHECKPOINT_START,
    TAP_CHECKPOINT_END
} tap_event_t;

typedef tap_event_t (*TAP_ITERATOR)(ENGINE_HANDLE *handle, const void *cookie, item **item,
                                    void **engine_specific, uint16_t *nengine_specific,
                                    uint8_t *ttl, uint16_t *flags, uint32_t *seqno,
                                    uint16_t *vbucket);

/* ---- the table ---- */

/**
 * An engine: 168 bytes. The engine allocates it, by custom at the head of a larger
 * structure, and frees it in destroy. `handle` is always what create_instance answered.
 * The vbucket is always 0. Keys are 1 to 250 bytes long in the text protocol.
 */
typedef struct engine_interface_v1 {
    /** Required: {1}. */
    struct engine_interface interface;

    /**
     * Required. What the engine is; the memory stays until destroy. Called after
     * initialize. Not NULL.
     */
    const engine_info *(*get_info)(ENGINE_HANDLE *handle);

    /**
     * Required. Opens what must be opened, and starts threads. config_str is what -e gave,
     * a C string, valid during the call; without -e it is NULL, or perhaps empty. All but
     * ENGINE_SUCCESS, and the server refuses the engine: it calls destroy and ends.
     */
    ENGINE_ERROR_CODE (*initialize)(ENGINE_HANDLE *handle, const char *config_str);

    /**
     * Required. Frees everything, the table too, and ends the engine's threads: the last
     * call. force: the server is in a hurry; what is not saved may be lost. Kumo passes
     * false. (An old engine takes the handle alone, which does no harm; compilers ask for a cast.)
     */
    void (*destroy)(ENGINE_HANDLE *handle, const bool force);

    /**
     * Required. Makes an item for a value of nbytes, to be written by the server; the key
     * is copied. It is not stored yet, and perhaps never will be. flags are in network
     * order; exptime is the client's own (core->realtime). ENGINE_ENOMEM; ENGINE_E2BIG,
     * for a value that could never be stored: "object too large for cache".
     */
    ENGINE_ERROR_CODE (*allocate)(ENGINE_HANDLE *handle, const void *cookie, item **item,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime);

    /**
     * Required. Deletes a key; if cas is not 0, only if it is the item's. KEY_ENOENT: no
     * such key; KEY_EEXISTS: another CAS.
     */
    ENGINE_ERROR_CODE (*remove)(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                const size_t nkey, uint64_t cas, uint16_t vbucket);

    /**
     * Required. The server no longer looks at the item. Of a stored item the key stays;
     * an item that was allocated, and not stored, is gone.
     */
    void (*release)(ENGINE_HANDLE *handle, const void *cookie, item *item);

    /**
     * Required. Finds an item. *item is only looked at after ENGINE_SUCCESS, and then
     * released. Any other answer is a miss (old engines say ENGINE_NOT_STORED); an expired
     * item is one.
     */
    ENGINE_ERROR_CODE (*get)(ENGINE_HANDLE *handle, const void *cookie, item **item,
                             const void *key, const int nkey, uint16_t vbucket);

    /**
     * Required. Stores an item of allocate's, in one step with its comparison. On success
     * *cas is the new CAS unique, never 0 in an engine that has them; what it was before
     * the call means nothing: the number to compare with is in the item (item_set_cas).
     */
    ENGINE_ERROR_CODE (*store)(ENGINE_HANDLE *handle, const void *cookie, item *item,
                               uint64_t *cas, ENGINE_STORE_OPERATION operation,
                               uint16_t vbucket);

    /**
     * Optional; the server does without by get and a store with OPERATION_CAS, again and
     * again until it succeeds (or OPERATION_SET, in an engine without CAS). Adds delta to
     * a decimal number, wrapping at 2^64, or subtracts it, stopping at 0, in one step, and
     * sets *result and *cas. Expiry and flags stay. No such key: where create is true, it
     * is made with initial and exptime; else KEY_ENOENT. No number: ENGINE_EINVAL.
     */
    ENGINE_ERROR_CODE (*arithmetic)(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    const int nkey, const bool increment, const bool create,
                                    const uint64_t delta, const uint64_t initial,
                                    const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                    uint16_t vbucket);

    /**
     * Required. Makes everything that is stored now invisible: at once if when is 0, else
     * at core->realtime(when), and then also what has been stored until that instant.
     */
    ENGINE_ERROR_CODE (*flush)(ENGINE_HANDLE *handle, const void *cookie, time_t when);

    /**
     * Required. Reports statistics through add_stat. nkey is 0 for plain `stats` (stat_key
     * may then be NULL): the server adds its own. Else stat_key is the client's word.
     * ENGINE_KEY_ENOENT: no such group.
     */
    ENGINE_ERROR_CODE (*get_stats)(ENGINE_HANDLE *handle, const void *cookie,
                                   const char *stat_key, int nkey, ADD_STAT add_stat);

    /** Required. Sets the counters of `stats reset` to 0. */
    void (*reset_stats)(ENGINE_HANDLE *handle, const void *cookie);

    /** Optional. Memory of stat->new_stats for this cookie. Kumo does not call it. */
    void *(*get_stats_struct)(ENGINE_HANDLE *handle, const void *cookie);

    /** Optional. Calls back for each such memory. Kumo does not call it. */
    ENGINE_ERROR_CODE (*aggregate_stats)(ENGINE_HANDLE *handle, const void *cookie,
                                         void (*callback)(void *, void *), void *arg);

    /**
     * Optional. A command that the server does not know, as a packet of the binary
     * protocol, whole and contiguous. touch, gat and gats come this way, also from the text
     * protocol: PROTOCOL_BINARY_CMD_TOUCH and _GAT. The engine answers through response
     * and returns ENGINE_SUCCESS; a quiet command may be left without a response.
     * ENGINE_ENOTSUP: the engine does not know it either. NULL is the same as that.
     */
    ENGINE_ERROR_CODE (*unknown_command)(ENGINE_HANDLE *handle, const void *cookie,
                                         protocol_binary_request_header *request,
                                         ADD_RESPONSE response);

    /** Not called. */
    ENGINE_ERROR_CODE (*tap_notify)(ENGINE_HANDLE *handle, const void *cookie,
                                    void *engine_specific, uint16_t nengine, uint8_t ttl,
                                    uint16_t tap_flags, tap_event_t tap_event,
                                    uint32_t tap_seqno, const void *key, size_t nkey,
                                    uint32_t flags, uint32_t exptime, uint64_t cas,
                                    const void *data, size_t ndata, uint16_t vbucket);

    /** Not called. */
    TAP_ITERATOR (*get_tap_iterator)(ENGINE_HANDLE *handle, const void *cookie,
                                     const void *client, size_t nclient, uint32_t flags,
                                     const void *userdata, size_t nuserdata);

    /**
     * Required. Sets the number that store compares with; 0: no comparison. An engine
     * without CAS does nothing here.
     */
    void (*item_set_cas)(ENGINE_HANDLE *handle, const void *cookie, item *item, uint64_t cas);

    /**
     * Required. Fills in what an item is. For an item of allocate's, value points to where
     * the server writes. False: info->nvalue is too small, or worse; the server fails the
     * request.
     */
    bool (*get_item_info)(ENGINE_HANDLE *handle, const void *cookie, const item *item,
                          item_info *item_info);

    /**
     * Optional. Says, in at most buffsz bytes and as text, more of why the last call for
     * this cookie failed; returns how many bytes. It follows SERVER_ERROR's text.
     */
    size_t (*errinfo)(ENGINE_HANDLE *handle, const void *cookie, char *buffer, size_t buffsz);
} ENGINE_HANDLE_V1;

/**
 * The type of create_instance, the one symbol that an engine exports (in C++ it is
 * extern "C", and in both MEMCACHED_PUBLIC_API if all else is hidden). `interface` is the
 * highest version that the server supports: 1. On success *handle is a table of that
 * version or a lower one. ENGINE_ENOTSUP: the engine supports none of these;
 * ENGINE_ENOMEM. get_server_api may be called here or later; keep it.
 */
typedef ENGINE_ERROR_CODE (*CREATE_INSTANCE)(uint64_t interface, GET_SERVER_API get_server_api,
                                             ENGINE_HANDLE **handle);

#ifdef __cplusplus
}
#endif

#endif
