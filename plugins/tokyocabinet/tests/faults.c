/*
 * tchdb when calls fail, when bytes cannot be read, and when the disk is full: what was
 * acknowledged is there, and what failed has changed nothing.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <errno.h>
#include <signal.h>

/* ---- calls that fail ---- */

#define FEW 40

static uint32_t model[FEW];

static bool model_holds(void *db)
{
    uint32_t i;
    for (i = 0; i < FEW; i++) {
        if (version_of(db, i) != model[i]) {
            printf("key %u has version %u, not %u\n", i, version_of(db, i), model[i]);
            return false;
        }
    }
    return true;
}

static bool change_one(void *db, uint32_t i, uint32_t version)
{
    char val[VAL_MAX];
    uint32_t n = val_make(val, i, version);
    if (version == 0) {
        return op.del(db, (char *)&i, 4, always, NULL);
    }
    return version % 2 == 0 ? op.set(db, (char *)&i, 4, val, n)
                            : op.update(db, (char *)&i, 4, val, n, always, NULL);
}

static bool change_some(void *db, uint32_t first, uint32_t version)
{
    static char vals[4][VAL_MAX];
    kumo_change changes[4];
    uint32_t keys[4], i;
    for (i = 0; i < 4; i++) {
        keys[i] = first + i;
        changes[i].key = (char *)&keys[i];
        changes[i].keylen = 4;
        changes[i].vallen = val_make(vals[i], keys[i], version);
        changes[i].val = i == 3 ? NULL : vals[i];
    }
    if (!plugin.batch(db, changes, 4)) {
        return false;
    }
    for (i = 0; i < 4; i++) {
        model[first + i] = i == 3 ? 0 : version;
    }
    return true;
}

/* Changes of every kind, and the model with those that succeed. Says how many failed. */
static int change_all(void *db, uint32_t round)
{
    uint32_t random = 7, step;
    int failed = 0;
    for (step = 0; step < 60; step++) {
        uint32_t i = next_random(&random) % FEW, version = round * 100 + step + 1;
        bool good;
        error_code = 0;
        if (step % 6 == 5) {
            good = change_some(db, i % (FEW - 4), version);
        } else if (step % 6 == 2) {
            uint32_t had = model[i];
            good = change_one(db, i, 0) || (had == 0 && error_code == 0);
            model[i] = good ? 0 : had;
        } else {
            good = change_one(db, i, version);
            model[i] = good ? version : model[i];
        }
        CHECK(good || error_code != 0);
        failed += !good;
    }
    return failed;
}

/* Where a change could not be undone: nothing is served, until it is opened anew. */
static void check_broken(void *db, const char *file, const char *parameters)
{
    char moved[128];
    CHECK(strstr(error_text, "restart") != NULL && !set(db, "x", "y"));
    CHECK(!op.backup(db, path_of("of broken")) && count(db) == -1);
    close_db(db);
    /* Under another name, as this one is locked until the process ends. */
    snprintf(moved, sizeof moved, "%s.wal", file);
    CHECK(rename(path_of(file), path_of("moved")) == 0);
    CHECK(rename(path_of(moved), path_of("moved.wal")) == 0);
    snprintf(moved, sizeof moved, "moved%s", parameters);
    db = open_at(path_of(moved));
    CHECK(db != NULL && model_holds(db) && verify(db) == 0);
    close_db(db);
}

static void fail_each(int err, bool for_ever, const char *parameters)
{
    static int files;
    char file[32], name[128];
    long n, calls = 1;
    int broken = 0, failed = 0;
    for (n = 1; n <= calls; n += for_ever ? 3 : 1) {
        void *db;
        snprintf(file, sizeof file, "fault%d", files++);
        snprintf(name, sizeof name, "%s%s", file, parameters);
        db = open_new(name);
        memset(model, 0, sizeof model);
        CHECK(change_all(db, 1) == 0);
        fail_after(n, err, for_ever);
        failed += change_all(db, 2);
        calls = calls_made() > calls ? calls_made() : calls;
        fail_after(0, 0, false);
        error_code = 0;
        if (op.rnum(db) == 0 && error_code != 0) {
            check_broken(db, file, parameters);
            broken++;
            continue;
        }
        CHECK(model_holds(db) && verify(db) == 0);
        CHECK(change_all(db, 3) == 0); /* it goes on */
        close_db(db);
        db = open_new(name);
        CHECK(model_holds(db) && verify(db) == 0 && count(db) == (long)op.rnum(db));
        close_db(db);
        unlink(path_of(file));
    }
    printf("%s, %s%s: %ld calls, %d changes failed, %d times it had to be opened anew\n",
           strerror(err), for_ever ? "from the n-th call on" : "at the n-th call", parameters,
           calls, failed, broken);
}

void test_failing_calls(void)
{
    static const char *const parameters[] = {"", "#xmsiz=1m#fpow=0", "#bnum=3#opts=d#rcnum=1k"};
    size_t i;
    for (i = 0; i < 3; i++) {
        fail_each(ENOSPC, false, parameters[i]);
        fail_each(EIO, false, parameters[i]);
        fail_each(ENOSPC, true, parameters[i]);
    }
}

/* ---- bytes that cannot be read ---- */

/* The key's version, or an error. */
static bool is_there_or_fails(void *db, uint32_t i)
{
    char header[8];
    uint32_t version = 0;
    int32_t n;
    error_code = 0;
    n = op.get_header(db, (char *)&i, 4, header, 8);
    if (error_code != 0) {
        CHECK(n == -1 && error_code == KUMO_ERROR_IO);
        return false;
    }
    if (n == 8) {
        memcpy(&version, header + 4, 4);
    }
    CHECK(version == model[i]);
    return true;
}

void test_bad_sectors(void)
{
    enum { SECTOR = 64 };
    void *db = open_new("sectors#bnum=5#opts=");
    off_t at, frec = 4000;
    int unread = 0, unchanged = 0, sectors = 0;
    memset(model, 0, sizeof model);
    CHECK(change_all(db, 1) == 0 && change_all(db, 2) == 0);
    for (at = frec; at < 60000; at += SECTOR, sectors++) {
        uint32_t i;
        bad_sector(at, at + SECTOR);
        for (i = 0; i < FEW; i++) {
            unread += !is_there_or_fails(db, i);
        }
        error_code = 0;
        CHECK(count(db) == (long)op.rnum(db) || error_code == KUMO_ERROR_IO);
        unchanged += change_all(db, 3 + (uint32_t)sectors);
        bad_sector(0, 0);
        CHECK(model_holds(db) && verify(db) == 0);
    }
    printf("%d bad sectors: %d times a record was not read, %d changes failed\n", sectors, unread,
           unchanged);
    CHECK(unread > 0 && unchanged > 0);
    close_db(db);
    db = open_new("sectors");
    CHECK(model_holds(db) && verify(db) == 0);
    close_db(db);
}

/* ---- a full disk ---- */

static void fill(const char *parameters)
{
    static uint32_t versions[1000000];
    char name[64], val[VAL_MAX];
    uint32_t i, last = 0, failed = 0;
    void *db;
    snprintf(name, sizeof name, "full%s", parameters);
    db = open_new(name);
    memset(versions, 0, sizeof versions);
    for (i = 0; failed < 1000 && i < 1000000; i++) {
        uint32_t n = val_make(val, i, 1);
        error_code = 0;
        if (op.set(db, (char *)&i, 4, val, n)) {
            versions[i] = 1;
            last = i;
        } else {
            CHECK(error_code == KUMO_ERROR_FULL);
            failed++;
        }
    }
    CHECK(failed == 1000 && last > 1000);
    for (i = 0; i < 1000; i++) { /* what is overwritten fails or not, but is whole */
        uint32_t n = val_make(val, i, 2);
        if (op.set(db, (char *)&i, 4, val, n)) {
            versions[i] = 2;
        }
    }
    CHECK(!op.backup(db, path_of("backup")) && error_code == KUMO_ERROR_FULL);
    CHECK(access(path_of("backup"), F_OK) != 0 && access(path_of("backup.tmp"), F_OK) != 0);
    for (i = 0; i <= last + 1000; i++) {
        CHECK(version_of(db, i) == versions[i]);
    }
    for (i = 0; i < 100; i++) { /* one can delete */
        CHECK(op.del(db, (char *)&i, 4, always, NULL) || versions[i] == 0);
        versions[i] = 0;
    }
    CHECK(verify(db) == 0);
    close_db(db);
    db = open_new(name);
    CHECK(verify(db) == 0);
    for (i = 0; i <= last + 1000; i++) {
        CHECK(version_of(db, i) == versions[i]);
    }
    CHECK(count(db) == (long)op.rnum(db));
    close_db(db);
    unlink(path_of("full"));
    printf("%u records until it was full%s\n", last, parameters);
}

void test_full_disk(void)
{
    signal(SIGXFSZ, SIG_IGN); /* as the server does */
    fill("");
    fill("#xmsiz=64m");
    fill("#opts=");
}
