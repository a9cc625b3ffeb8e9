/*
 * What the files of table_test share. host.c plays the host, helpers.c is what tests do all
 * the time; each other file has the tests of one matter, which main.c calls.
 */
#ifndef TABLE_TEST_H
#define TABLE_TEST_H

#define _POSIX_C_SOURCE 200809L

#include <kumo_storage.h>
#include <compat/msgpack.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the checks ---- */

extern int failures; /* atomic */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);                                    \
            printf("\n    %s:%d: %s", __FILE__, __LINE__, #condition);                             \
        }                                                                                          \
    } while (0)

/* Stops at the first that fails: what follows builds upon it. */
void run(const char *name, void (*test)(void));

#define RUN(test) run(#test, test)

/* ---- the plugin ---- */

/* Loads it, or ends the process. */
void load(const char *library, const char *directory);

/*
 * The table, as the tests call it: one call at a time where the plugin wants that, and
 * with the slots filled in that it left out, but for updatev and the two iterator_del.
 */
extern kumo_storage_op op;

/* Its description; all zeros where it is classic. Its own table is not for calling. */
extern kumo_plugin plugin;
extern bool described;

/* Whether a scan may do anything, and several scans may run. */
bool scans_are_free(void);

/* Whether more than one thread may call it. */
bool threads_are_free(void);

/* Around what is no call through `op`: tail operations. A scan holds it too. */
void enter(void);
void leave(void);

extern __thread int32_t error_code; /* what set_error said; 0: nothing */
extern __thread char error_text[512];

/* For plugins built with <msgpack.h>: what they import can be made to fail. */
extern bool refuse_finalizers;
extern int expansions; /* how often it was called; atomic */

/* ---- what the tests do all the time ---- */

extern const char *directory; /* where the databases are made */

void path_of(char path[PATH_MAX], const char *name);
bool exists(const char *path);
void *open_at(const char *path);     /* NULL: it does not open */
void *open_new(const char *name);    /* without one there is nothing to test */
void close_db(void *db);

msgpack_zone zone_new(void); /* as the host's are: it allocates nothing until it is used */
void zone_clear(msgpack_zone *zone);
void zone_end(msgpack_zone *zone);

bool set(void *db, const char *key, const char *val);

/* Whether the key has this value, or with val NULL, whether it is absent without an error. */
bool has_bytes(void *db, const char *key, size_t keylen, const char *val, size_t vallen);
bool has(void *db, const char *key, const char *val);

/* A casproc that answers, and notes what it was asked. */
typedef struct asked {
    bool answer;
    int times;
    char oldval[64];
    size_t oldvallen;
} asked;

bool ask(void *casdata, const char *oldval, size_t oldvallen);
bool was_asked_about(const asked *a, const char *val);

bool update(void *db, const char *key, const char *val, asked *a);
bool del(void *db, const char *key, asked *a);
bool del_force(void *db, const char *key);

/* SCANNED records, "key N" with "value N", and what a scan shows of them. */
#define SCANNED 200

typedef struct scan {
    void *db;
    int seen[SCANNED];
    int visited;
    int stop_after; /* and return `stop_with` */
    int stop_with;
    msgpack_zone zone;
    const char *keys[SCANNED], *vals[SCANNED];
    size_t keylens[SCANNED], vallens[SCANNED];
} scan;

void scan_fill(void *db);
int scan_number(void *it); /* which of them it is, or -1 */
int visit(void *user, void *it);
bool saw_each_once(const scan *s);

/*
 * A backup, which must be there then, with nothing beside it. False: the engine has none,
 * which it must say, leaving nothing behind.
 */
bool backup(void *db, const char *name);
extern char backup_path[PATH_MAX]; /* of the last one */

/* ---- the tests ---- */

void test_records(void);
void test_zones(void);
void test_scans(void);
void test_threads(void);
void test_backup(void);
void test_tail(void);  /* only where the plugin is described */
void test_many(void);  /* as well */
void test_dumps(void); /* only for memhash */

#endif
