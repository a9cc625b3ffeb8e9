/*
 * The changes of tchdb: every one is a transaction, and has its room before it begins.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 *
 * Tokyo Cabinet changes its file in place, in several steps. Killed between two of them
 * it leaves a link to a freed block, and what hung on it is lost, acknowledged long
 * since; so each change is a transaction: what is overwritten goes to the log (PATH.wal)
 * first, and the next open puts it back. Nothing is synced: a kill loses nothing, a
 * loss of power may.
 *
 * It also lets the file grow with holes and stores into a mapping of them, and on a full
 * disk that is SIGBUS; so the blocks are reserved before the change, and where there are
 * none, the change fails with nothing begun.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The file is reserved this far ahead: for speed, the rest is given back on a full disk. */
#define AHEAD (1 << 20)

/* This much of it is never used, but given up for the log when the disk is full. */
#define BALLAST (64 << 10)

bool engine_is_fatal(const engine *e)
{
    return __atomic_load_n(&e->hdb->fatal, __ATOMIC_RELAXED);
}

void engine_settle(engine *e)
{
    if (e->hdb->fatal) {
        e->hdb->fatal = false;
        e->hdb->flags &= (uint8_t)~HDBFFATAL;
        tchdbmemsync(e->hdb, false);
    }
}

/* ---- room ---- */

/* What a record can take in the file: the record, its header, its padding. */
static uint64_t record_room(const engine *e, uint64_t keylen, uint64_t vallen)
{
    uint64_t expanded = e->hdb->zmode ? vallen / 8 + 1024 : 0; /* by a vain compression */
    return keylen + vallen + expanded + e->hdb->align + 64;
}

/*
 * Blocks for the file to grow by `room`. xfsiz is how far Tokyo Cabinet believes that the
 * file reaches: below it, it neither extends nor cuts the file.
 */
static bool reserve(engine *e, uint64_t room)
{
    TCHDB *hdb = e->hdb;
    uint64_t limit = (uint64_t)UINT32_MAX << hdb->apow;
    int err;
    if (!(hdb->opts & HDBTLARGE) && hdb->fsiz + room > limit) {
        return engine_fail(KUMO_ERROR_FULL,
                           "tchdb: %s has reached the %llu bytes that its 32-bit offsets can name; "
                           "rebuild it with: tchmgr optimize -tl",
                           e->path, (unsigned long long)limit);
    }
    room += BALLAST;
    if (hdb->xfsiz >= hdb->fsiz + room) {
        return true;
    }
    err = posix_fallocate(e->fd, (off_t)hdb->fsiz, (off_t)(room + AHEAD));
    if (err == 0) {
        hdb->xfsiz = hdb->fsiz + room + AHEAD;
        return true;
    }
    err = posix_fallocate(e->fd, (off_t)hdb->fsiz, (off_t)room);
    if (err == 0) {
        hdb->xfsiz = hdb->fsiz + room;
        return true;
    }
    return engine_fail_os(err, "make room in", e->path);
}

/* ---- transactions ---- */

static void unlock(engine *e)
{
    pthread_rwlock_unlock(&e->gate);
    pthread_mutex_unlock(&e->writers);
}

static bool lock(engine *e)
{
    /* Writers queue for the mutex, so no more than one waits for the gate. */
    pthread_mutex_lock(&e->writers);
    pthread_rwlock_wrlock(&e->gate);
    if (e->broken) {
        unlock(e);
        return engine_fail(KUMO_ERROR_IO,
                           "tchdb: a change of %s failed and could not be undone; restart the "
                           "server: opening undoes it",
                           e->path);
    }
    return true;
}

/*
 * What a transaction changes in the buckets. Tokyo Cabinet logs that too, but goes on
 * where it cannot, and then would not undo it.
 */
typedef struct touched {
    uint64_t index, link;
} touched;

static void remember(const engine *e, const char *key, size_t keylen, touched *t)
{
    const TCHDB *hdb = e->hdb;
    t->index = engine_bucket_of(e, key, keylen);
    t->link = hdb->ba64 != NULL ? hdb->ba64[t->index] : hdb->ba32[t->index];
}

static void restore(engine *e, const touched *t)
{
    TCHDB *hdb = e->hdb;
    if (hdb->ba64 != NULL) {
        hdb->ba64[t->index] = t->link;
    } else {
        hdb->ba32[t->index] = (uint32_t)t->link;
    }
}

/* `removes`: it needs no room in the file, so on a full disk the log gets the ballast. */
static bool begin(engine *e, bool removes)
{
    int err, ecode;
    errno = 0;
    if (tchdbtranbegin(e->hdb)) {
        return true;
    }
    err = errno;
    ecode = tchdbecode(e->hdb);
    engine_settle(e); /* nothing has been changed */
    if (removes && (err == ENOSPC || err == EDQUOT)) {
        e->hdb->xfsiz = 0;
        if (ftruncate(e->fd, (off_t)e->hdb->fsiz) == 0) {
            return begin(e, false);
        }
    }
    return engine_fail_tc(ecode, err, "begin a transaction in", e->path);
}

/*
 * Whether the call that returned `returned` has done all it should. A pwrite that fails
 * goes unnoticed by Tokyo Cabinet (see record.c), but not by errno, which was 0 before; a
 * failure to log makes it fatal.
 */
static bool succeeded(const engine *e, bool returned)
{
    return returned && errno == 0 && !e->hdb->fatal;
}

/*
 * Ends the transaction: `good` says whether all of its n changes succeeded. `what` was to be
 * done, in words; NULL: why it failed has been reported.
 */
static bool end(engine *e, bool good, const touched *t, size_t n, const char *what)
{
    int err = errno;
    if (good) {
        errno = 0;
        if (tchdbtrancommit(e->hdb)) {
            e->changes++;
            return true;
        }
        err = errno;
        e->hdb->tran = true; /* it has let go of it, but the log is still there */
    }
    if (what != NULL) {
        engine_fail_tc(e->hdb->fatal || err == 0 ? tchdbecode(e->hdb) : TCESUCCESS, err, what,
                       e->path);
    }
    if (!engine_trim_log(e) || !tchdbtranabort(e->hdb)) {
        e->broken = true;
    }
    while (n > 0) {
        restore(e, &t[--n]);
    }
    engine_settle(e);
    return false;
}

/* ---- the operations ---- */

static bool too_large(uint64_t keylen, uint64_t vallen)
{
    return keylen > RECORD_MAX || vallen > RECORD_MAX - keylen;
}

static bool fail_too_large(const engine *e)
{
    return engine_fail(KUMO_ERROR_INVALID,
                       "tchdb: a key and its value in %s have at most %d bytes together", e->path,
                       RECORD_MAX);
}

static bool put(engine *e, const char *key, size_t keylen, const char *val, size_t vallen)
{
    /* Tokyo Cabinet takes NULL for a mistake, also where it is of no length. */
    return tchdbput(e->hdb, keylen > 0 ? key : "", (int)keylen, vallen > 0 ? val : "",
                    (int)vallen);
}

/*
 * Asks proc about the present value. The gate makes it one step with the change;
 * tchdbputproc would do so too, but only within a transaction, and a refusal needs none.
 */
static engine_found ask(engine *e, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                        void *casdata, bool *agreed)
{
    char *val = NULL;
    int vallen = 0;
    engine_found found = engine_look(e, key, keylen, &val, &vallen);
    *agreed = found == ENGINE_FOUND &&
              (proc == NULL || proc(casdata, val, (size_t)vallen));
    if (found == ENGINE_FOUND) {
        free(val);
    }
    engine_settle(e);
    return found;
}

static bool store(engine *e, const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    touched t;
    if (engine_walk(e, key, keylen) == ENGINE_FAULT ||
        !reserve(e, record_room(e, keylen, vallen)) || !begin(e, false)) {
        return false;
    }
    remember(e, key, keylen, &t);
    errno = 0;
    return end(e, succeeded(e, put(e, key, keylen, val, vallen)), &t, 1, "store a record in");
}

bool kumo_tchdb_set(void *data, const char *key, uint32_t keylen, const char *val,
                    uint32_t vallen)
{
    engine *e = data;
    bool done;
    if (too_large(keylen, vallen)) {
        return fail_too_large(e);
    }
    if (!lock(e)) {
        return false;
    }
    done = store(e, key, keylen, val, vallen);
    unlock(e);
    return done;
}

bool kumo_tchdb_update(void *data, const char *key, uint32_t keylen, const char *val,
                       uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    engine *e = data;
    engine_found found;
    bool agreed, done;
    if (too_large(keylen, vallen)) {
        return fail_too_large(e);
    }
    if (!lock(e)) {
        return false;
    }
    found = ask(e, key, keylen, proc, casdata, &agreed);
    done = (found == ENGINE_ABSENT || agreed) && store(e, key, keylen, val, vallen);
    unlock(e);
    return done;
}

bool kumo_tchdb_del(void *data, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                    void *casdata)
{
    engine *e = data;
    bool agreed, done = false;
    touched t;
    if (keylen > RECORD_MAX || !lock(e)) { /* none is so long, so it is not there */
        return false;
    }
    ask(e, key, keylen, proc, casdata, &agreed);
    if (agreed && engine_walk(e, key, keylen) == ENGINE_FOUND && begin(e, true)) {
        remember(e, key, keylen, &t);
        errno = 0;
        done = tchdbout(e->hdb, keylen > 0 ? key : "", (int)keylen);
        done = end(e, succeeded(e, done), &t, 1, "delete a record of");
    }
    unlock(e);
    return done;
}

/* Within a transaction. Notes in *t what bucket it changes; *reported: it has said why not. */
static bool change_one(engine *e, const kumo_change *c, touched *t, bool *reported)
{
    engine_found found = engine_walk(e, c->key, c->keylen);
    *reported = found == ENGINE_FAULT;
    remember(e, c->key, c->keylen, t);
    errno = 0;
    if (*reported || (c->val == NULL && found == ENGINE_ABSENT)) {
        return !*reported;
    }
    return succeeded(e, c->val != NULL
                            ? put(e, c->key, c->keylen, c->val, c->vallen)
                            : tchdbout(e->hdb, c->keylen > 0 ? c->key : "", (int)c->keylen));
}

bool kumo_tchdb_batch(void *data, const kumo_change *changes, size_t num)
{
    engine *e = data;
    uint64_t room = 0;
    bool good, reported = false;
    size_t i;
    touched *t;
    for (i = 0; i < num; i++) {
        if (too_large(changes[i].keylen, changes[i].val == NULL ? 0 : changes[i].vallen)) {
            return fail_too_large(e);
        }
    }
    t = malloc((num + 1) * sizeof *t);
    if (t == NULL) {
        return engine_fail_memory();
    }
    if (!lock(e)) {
        free(t);
        return false;
    }
    for (i = 0; i < num; i++) {
        room += changes[i].val == NULL ? 0
                                       : record_room(e, changes[i].keylen, changes[i].vallen);
    }
    good = (room == 0 || reserve(e, room)) && begin(e, room == 0);
    if (good) {
        for (i = 0; i < num && good; i++) {
            good = change_one(e, &changes[i], &t[i], &reported);
        }
        good = end(e, good, t, i, reported ? NULL : "carry out a batch in");
    }
    unlock(e);
    free(t);
    return good;
}

/* All of them in one transaction, so on failure none. */
int kumo_tchdb_updatev(void *data, const char **keys, const size_t *keylens, const char **vals,
                       const size_t *vallens, uint16_t num)
{
    kumo_change *changes = malloc((num + 1U) * sizeof *changes);
    size_t i;
    bool done;
    if (changes == NULL) {
        engine_fail_memory();
        return 0;
    }
    for (i = 0; i < num; i++) {
        kumo_change c = {keys[i], keylens[i], vals[i] == NULL ? "" : vals[i], vallens[i]};
        changes[i] = c;
    }
    done = kumo_tchdb_batch(data, changes, num);
    free(changes);
    return done ? num : 0;
}
