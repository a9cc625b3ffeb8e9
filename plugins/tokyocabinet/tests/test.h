/*
 * What the files of tchdb's test share: host.c plays the host, ops.c has the tests of the
 * operations and of opening, kill.c and faults.c those of what goes wrong.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TCHDB_TEST_H
#define TCHDB_TEST_H

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <kumo_storage.h>
#include <compat/msgpack.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints and ends: what follows builds upon it. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("FAILED: %s:%d: %s [%s]\n", __FILE__, __LINE__, #condition, error_text);        \
            fflush(stdout);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

extern kumo_plugin plugin;
extern kumo_storage_op op;
extern __thread int32_t error_code; /* what set_error said last; 0: nothing */
extern __thread char error_text[1024];
extern const char *program, *library, *directory; /* as they were given */

/* NAME in the directory of the databases; it is valid until the next call but three. */
const char *path_of(const char *name);

void *open_at(const char *path); /* NULL: it does not open */
void *open_new(const char *name);
void close_db(void *db);

/* Whether open fails with this code and these words. */
bool refused(const char *path, int32_t code, const char *words);

bool set(void *db, const char *key, const char *val);
bool has_bytes(void *db, const char *key, size_t keylen, const char *val, size_t vallen);
bool has(void *db, const char *key, const char *val); /* NULL: it is absent, without an error */
bool del(void *db, const char *key);
bool always(void *casdata, const char *oldval, size_t oldvallen);

/* How many records a scan shows; -1: it failed. */
long count(void *db);

/* Faults that verify finds; each is printed. */
int64_t verify(void *db);

/* A value that tells its key and version; its length goes up and down, so that records move. */
#define VAL_MAX 6000
uint32_t val_make(char val[VAL_MAX], uint32_t key, uint32_t version);

/* The version that the key has: 0 where it is absent. It must be whole. */
uint32_t version_of(void *db, uint32_t key);

uint32_t next_random(uint32_t *random);

/* Calls that write fail: the n-th from now on, and with `for_ever` all behind it. 0: none. */
void fail_after(long n, int err, bool for_ever);
long calls_made(void); /* since fail_after */

/* Reads of these bytes fail, of any file. 0, 0: none do. */
void bad_sector(off_t from, off_t to);

void test_operations(void);
void test_opening(void);
void test_failing_calls(void);
void test_bad_sectors(void);
void test_full_disk(void);           /* the directory is on a small file system */
void write_for_ever(const char *name); /* until it is killed */
void check_killed(const char *name);
void read_kumofs(const char *path);

#endif
