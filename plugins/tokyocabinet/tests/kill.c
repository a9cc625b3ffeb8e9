/*
 * tchdb killed in the middle of writing: what was acknowledged is there.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

uint32_t val_make(char val[VAL_MAX], uint32_t key, uint32_t version)
{
    uint32_t random = (key * 2654435761U) ^ (version * 40503U), n, i;
    n = 8 + random % (random % 16 == 0 ? VAL_MAX - 8 : 120);
    memcpy(val, &key, 4);
    memcpy(val + 4, &version, 4);
    for (i = 8; i < n; i++) {
        val[i] = (char)(random + i);
    }
    return n;
}

uint32_t version_of(void *db, uint32_t key)
{
    char expected[VAL_MAX];
    msgpack_zone zone;
    uint32_t n = 0, version = 0;
    const char *val;
    memset(&zone, 0, sizeof zone);
    error_code = 0;
    val = op.get(db, (char *)&key, 4, &n, &zone);
    CHECK(val != NULL || error_code == 0);
    if (val != NULL) {
        CHECK(n >= 8);
        memcpy(&version, val + 4, 4);
        CHECK(version != 0 && n == val_make(expected, key, version));
        CHECK(memcmp(val, expected, n) == 0);
    }
    msgpack_zone_destroy(&zone);
    return version;
}

uint32_t next_random(uint32_t *random)
{
    *random = *random * 1103515245 + 12345;
    return *random >> 8;
}

#define KEYS 2000
#define WRITERS 4
#define BATCH 5 /* the last keys of each writer change together */

/* Outlives the process: what each key had for sure, and what it may have by now. */
typedef struct book {
    uint32_t acknowledged[WRITERS][KEYS], under_way[WRITERS][KEYS];
    uint64_t done;
} book;

static book *book_open(const char *name)
{
    char path[PATH_MAX];
    book *b;
    int fd;
    snprintf(path, sizeof path, "%s.book", path_of(name));
    fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, sizeof *b) == 0);
    b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(b != MAP_FAILED);
    close(fd);
    return b;
}

static uint32_t key_of(int writer, uint32_t i)
{
    return (uint32_t)writer << 16 | i;
}

static void *killed_db;
static book *the_book;

static void write_batch(int writer, uint32_t version)
{
    static __thread char vals[BATCH][VAL_MAX];
    uint32_t keys[BATCH], first = KEYS - BATCH, i;
    kumo_change changes[BATCH];
    for (i = 0; i < BATCH; i++) {
        bool deletes = version % 7 == 0;
        keys[i] = key_of(writer, first + i);
        the_book->under_way[writer][first + i] = deletes ? 0 : version;
        changes[i].key = (char *)&keys[i];
        changes[i].keylen = 4;
        changes[i].vallen = val_make(vals[i], keys[i], version);
        changes[i].val = deletes ? NULL : vals[i];
    }
    CHECK(plugin.batch(killed_db, changes, BATCH));
    for (i = 0; i < BATCH; i++) {
        the_book->acknowledged[writer][first + i] = the_book->under_way[writer][first + i];
    }
}

static void *writer_thread(void *user)
{
    int writer = (int)(intptr_t)user;
    uint32_t random = (uint32_t)getpid() * 31 + (uint32_t)writer, version;
    char val[VAL_MAX];
    for (version = (uint32_t)the_book->done + 1;; version++) {
        uint32_t i = next_random(&random) % (KEYS - BATCH), key = key_of(writer, i), n;
        uint32_t *under_way = &the_book->under_way[writer][i];
        if (next_random(&random) % 32 == 0) {
            write_batch(writer, version);
        } else if (next_random(&random) % 4 == 0) {
            __atomic_store_n(under_way, 0, __ATOMIC_SEQ_CST);
            error_code = 0;
            CHECK(op.del(killed_db, (char *)&key, 4, always, NULL) ==
                  (the_book->acknowledged[writer][i] != 0));
            CHECK(error_code == 0);
            the_book->acknowledged[writer][i] = 0;
        } else {
            n = val_make(val, key, version);
            __atomic_store_n(under_way, version, __ATOMIC_SEQ_CST);
            CHECK(op.update(killed_db, (char *)&key, 4, val, n, always, NULL));
            the_book->acknowledged[writer][i] = version;
        }
        __atomic_add_fetch(&the_book->done, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

void write_for_ever(const char *name)
{
    pthread_t threads[WRITERS];
    intptr_t i;
    the_book = book_open(name);
    killed_db = open_new(name);
    for (i = 0; i < WRITERS; i++) {
        pthread_create(&threads[i], NULL, writer_thread, (void *)i);
    }
    pause();
}

void check_killed(const char *name)
{
    int writer;
    long records = 0;
    void *db;
    the_book = book_open(name);
    db = open_new(name);
    CHECK(verify(db) == 0);
    for (writer = 0; writer < WRITERS; writer++) {
        uint32_t i, batch = version_of(db, key_of(writer, KEYS - BATCH));
        for (i = 0; i < KEYS; i++) {
            uint32_t has = version_of(db, key_of(writer, i));
            CHECK(has == the_book->acknowledged[writer][i] ||
                  has == the_book->under_way[writer][i]);
            CHECK(i < KEYS - BATCH || has == batch); /* all or none */
            the_book->acknowledged[writer][i] = has;
            the_book->under_way[writer][i] = has;
            records += has != 0;
        }
    }
    CHECK(count(db) == records && op.rnum(db) == (uint64_t)records);
    printf("%lu writes so far, %ld records, ", (unsigned long)the_book->done, records);
    close_db(db);
}
