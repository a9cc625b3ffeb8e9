/*
 * tchdb's operations beyond what c-tests/table asks of every plugin, and its opening.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- the tail ---- */

static char stats_seen[1024];

static void add_stat(void *user, const char *name, const char *value)
{
    size_t n = strlen(stats_seen);
    (void)user;
    snprintf(stats_seen + n, sizeof stats_seen - n, "%s=%s ", name, value);
}

static bool never(void *casdata, const char *oldval, size_t oldvallen)
{
    return !always(casdata, oldval, oldvallen);
}

static void the_tail(void *db)
{
    static const char *const keys[] = {"one", "none", "", "two"};
    static const uint32_t keylens[] = {3, 4, 0, 3};
    const char *vals[4];
    uint32_t vallens[4];
    kumo_change changes[] = {
        {"one", 3, "1", 1}, {"two", 3, "", 0}, {"gone", 4, "x", 1}, {"gone", 4, NULL, 0},
        {"absent", 6, NULL, 0}, {"", 0, "empty", 5}, {"one", 3, "uno", 3}};
    msgpack_zone zone;
    memset(&zone, 0, sizeof zone);
    zone.chunk_size = MSGPACK_ZONE_CHUNK_SIZE;
    CHECK(plugin.batch(db, changes, 7) && plugin.batch(db, changes, 0));
    CHECK(op.rnum(db) == 3 && has(db, "gone", NULL) && has(db, "", "empty"));
    CHECK(plugin.getv(db, keys, keylens, 4, vals, vallens, &zone));
    CHECK(vals[0] != NULL && vallens[0] == 3 && memcmp(vals[0], "uno", 3) == 0);
    CHECK(vals[1] == NULL && vals[2] != NULL && vallens[2] == 5);
    CHECK(vals[3] != NULL && vallens[3] == 0);
    msgpack_zone_destroy(&zone);
    CHECK(plugin.sync(db) && verify(db) == 0);
    stats_seen[0] = '\0';
    CHECK(plugin.stats(db, add_stat, NULL));
    CHECK(strstr(stats_seen, "rnum=3 ") != NULL);
    CHECK(plugin.compact == NULL && plugin.seek == NULL);
    CHECK((plugin.caps & (KUMO_CAP_VOLATILE | KUMO_CAP_DURABLE_SYNC)) == 0);
    /* One bad change of many: none is made. */
    changes[6].vallen = (size_t)1 << 33;
    CHECK(!plugin.batch(db, changes, 7) && error_code == KUMO_ERROR_INVALID);
    CHECK(has(db, "one", "uno"));
}

static void what_is_too_large_is_refused(void *db)
{
    const uint32_t sizes[] = {UINT32_MAX, (uint32_t)INT32_MAX + 1, INT32_MAX, INT32_MAX / 2};
    msgpack_zone zone;
    size_t i;
    memset(&zone, 0, sizeof zone);
    for (i = 0; i < 4; i++) {
        uint32_t n;
        error_code = 0;
        CHECK(!op.set(db, "one", 3, "1", sizes[i]) && error_code == KUMO_ERROR_INVALID);
        CHECK(!op.update(db, "one", 3, "1", sizes[i], always, NULL));
        if (i < 3) {
            CHECK(!op.set(db, "one", sizes[i], "1", 1) && error_code == KUMO_ERROR_INVALID);
            error_code = 0;
            CHECK(op.get(db, "one", sizes[i], &n, &zone) == NULL && error_code == 0);
            CHECK(op.get_header(db, "one", sizes[i], NULL, 0) == -1 && error_code == 0);
            CHECK(!op.del(db, "one", sizes[i], always, NULL) && error_code == 0);
        }
    }
    CHECK(has(db, "one", "uno"));
}

/* ---- for_each ---- */

#define STABLE 500

static bool churning; /* atomic */

/* What it writes grows and shrinks, so that records move, the stable ones too. */
static void *churn(void *db)
{
    static char val[5000];
    uint32_t n = 0;
    char key[32];
    while (__atomic_load_n(&churning, __ATOMIC_RELAXED)) {
        n = n * 1103515245 + 12345;
        snprintf(key, sizeof key, "stable %u", (n >> 8) % STABLE);
        CHECK(op.set(db, key, (uint32_t)strlen(key), val, (n >> 16) % sizeof val));
        snprintf(key, sizeof key, "other %u", (n >> 8) % STABLE);
        if (n >> 31) {
            CHECK(op.set(db, key, (uint32_t)strlen(key), val, (n >> 20) % sizeof val));
        } else {
            del(db, key);
        }
    }
    return NULL;
}

static int see(void *user, void *it)
{
    int *seen = user, n;
    char key[32] = "";
    CHECK(op.iterator_keylen(it) < sizeof key);
    memcpy(key, op.iterator_key(it), op.iterator_keylen(it));
    if (sscanf(key, "stable %d", &n) == 1) {
        seen[n]++;
    }
    return 0;
}

static void scans_see_each_once_while_records_move(void)
{
    void *db = open_new("moving#bnum=61#rcnum=300");
    pthread_t threads[2];
    int round, i;
    char key[32];
    for (i = 0; i < STABLE; i++) {
        snprintf(key, sizeof key, "stable %d", i);
        CHECK(set(db, key, key));
    }
    churning = true;
    for (i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, churn, db);
    }
    for (round = 0; round < 60; round++) {
        int seen[STABLE] = {0};
        CHECK(op.for_each(db, seen, see) >= 0);
        for (i = 0; i < STABLE; i++) {
            CHECK(seen[i] == 1);
        }
        CHECK(round % 10 != 0 || verify(db) == 0);
    }
    __atomic_store_n(&churning, false, __ATOMIC_RELAXED);
    for (i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    close_db(db);
}

static int release_all(void *user, void *it)
{
    msgpack_zone *zone = user;
    size_t keylen = op.iterator_keylen(it), vallen = op.iterator_vallen(it);
    const char *key = op.iterator_release_key(it, zone), *val = op.iterator_release_val(it, zone);
    const char *again = op.iterator_release_val(it, zone);
    CHECK(key != NULL && val != NULL && again != NULL && memcmp(val, again, vallen) == 0);
    msgpack_zone_clear(zone); /* nothing of what follows leans on what was released */
    CHECK(op.iterator_keylen(it) == keylen && op.iterator_vallen(it) == vallen);
    CHECK(op.iterator_key(it) != NULL && !op.iterator_del(it, never, NULL));
    CHECK(op.iterator_del(it, always, NULL) && !op.iterator_del_force(it));
    return 0;
}

void test_operations(void)
{
    static const char *const ways[] = {"ld", "b", "lt", "d#apow=0#fpow=0#xmsiz=1m", "#rcnum=300"};
    void *db = open_new("tail");
    msgpack_zone zone;
    char name[64];
    size_t i;
    the_tail(db);
    what_is_too_large_is_refused(db);
    memset(&zone, 0, sizeof zone);
    zone.chunk_size = MSGPACK_ZONE_CHUNK_SIZE;
    CHECK(op.for_each(db, &zone, release_all) >= 0 && op.rnum(db) == 0);
    msgpack_zone_destroy(&zone);
    close_db(db);
    for (i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "way%d#opts=%s", (int)i, ways[i]);
        db = open_new(name);
        the_tail(db);
        close_db(db);
        db = open_new(name);
        CHECK(has(db, "one", "uno") && has(db, "", "empty") && verify(db) == 0);
        CHECK(count(db) == 3 && del(db, "one") && has(db, "one", NULL));
        close_db(db);
    }
    scans_see_each_once_while_records_move();
}

/* ---- opening ---- */

static void parameters_are_refused_with_words(void)
{
    static const char *const bad[] = {"#", "#bnum", "#bnum=", "#bnum=x", "#bnum=-1", "#bnum=4kk",
                                      "#bnum=99999999999999999999", "#apow=17", "#fpow=21",
                                      "#opts=x", "#opts=db", "#rcnum=1z", "#xmsiz=999t",
                                      "#dfunit=8", "#mode=r", "#bnum=1##", "#BNUM=1", "#xmsiz= 1"};
    char path[PATH_MAX];
    size_t i;
    void *db;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "%s%s", path_of("refused"), bad[i]);
        CHECK(refused(path, KUMO_ERROR_INVALID, "tchdb: "));
        CHECK(access(path, F_OK) != 0 && access(path_of("refused"), F_OK) != 0);
    }
    CHECK(refused(path_of("refused#color=red"), KUMO_ERROR_INVALID, "there are bnum"));
    CHECK(refused("#bnum=1", KUMO_ERROR_INVALID, "the path is empty"));
    db = open_new("given#xmsiz=2m#rcnum=4k#bnum=1k#opts=#dfunit=0#apow=2#fpow=8");
    CHECK(access(path_of("given"), F_OK) == 0);
    stats_seen[0] = '\0';
    CHECK(plugin.stats(db, add_stat, NULL));
    CHECK(strstr(stats_seen, "bnum=1151 ") != NULL && strstr(stats_seen, "align=4 ") != NULL);
    CHECK(strstr(stats_seen, "xmsiz=2097152 ") != NULL);
    CHECK(strstr(stats_seen, "rcnum=4096 ") != NULL && strstr(stats_seen, "opts= ") != NULL);
    CHECK(!op.backup(db, path_of("copy#bnum=1")) && error_code == KUMO_ERROR_INVALID);
    CHECK(op.backup(db, path_of("copy")) && !op.backup(db, path_of("copy")));
    close_db(db);
}

/* In another program: a child of this one would know of what this one has open. */
static bool busy_elsewhere(const char *path)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, library, directory, "busy", path, (char *)NULL);
        _exit(2);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

static void one_at_a_time(void)
{
    void *db = open_new("busy");
    char link_path[PATH_MAX];
    CHECK(set(db, "k", "v"));
    CHECK(busy_elsewhere(path_of("busy")));
    CHECK(refused(path_of("busy"), KUMO_ERROR_BUSY, "open in this process already"));
    snprintf(link_path, sizeof link_path, "%s", path_of("busy link"));
    CHECK(link(path_of("busy"), link_path) == 0);
    CHECK(refused(link_path, KUMO_ERROR_BUSY, "open in this process already"));
    /* Neither those refusals nor a backup gave up the lock. */
    CHECK(op.backup(db, path_of("busy copy")) && plugin.sync(db) && verify(db) == 0);
    CHECK(busy_elsewhere(path_of("busy")));
    CHECK(set(db, "k", "w") && has(db, "k", "w"));
    close_db(db);
    db = open_at(link_path);
    CHECK(db != NULL && has(db, "k", "w"));
    close_db(db);
}

static size_t file_read(const char *path, char *bytes, size_t room)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, room);
    CHECK(n >= 0 && (size_t)n < room);
    close(fd);
    return (size_t)n;
}

static void file_write(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

static void damaged_files_are_refused(void)
{
    static char bytes[1 << 16], changed[1 << 16];
    char path[PATH_MAX], wal[PATH_MAX];
    size_t n, i;
    void *db = open_new("whole#bnum=3#opts=");
    bool big;
    for (i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", (int)i);
        CHECK(set(db, key, "value"));
    }
    close_db(db);
    n = file_read(path_of("whole"), bytes, sizeof bytes);
    snprintf(path, sizeof path, "%s", path_of("damaged"));
    snprintf(wal, sizeof wal, "%s", path_of("damaged.wal"));
    CHECK(refused(directory, KUMO_ERROR_INVALID, "is not a file"));
    CHECK(refused(path_of("none/x"), KUMO_ERROR_IO, "No such file"));
    file_write(path, "something else", 14);
    CHECK(refused(path, KUMO_ERROR_INVALID, "not a file of Tokyo Cabinet"));
    file_write(path, bytes, n - 1);
    CHECK(refused(path, KUMO_ERROR_CORRUPT, "cut short"));
    memcpy(changed, bytes, n);
    changed[32] = 1; /* a B+ tree */
    file_write(path, changed, n);
    CHECK(refused(path, KUMO_ERROR_INVALID, "not a hash database"));
    /* Byte order: the header's numbers swapped. */
    memcpy(changed, bytes, n);
    for (i = 40; i < 72; i++) {
        changed[i] = bytes[(i & ~(size_t)7) + 7 - (i & 7)];
    }
    file_write(path, changed, n);
    CHECK(refused(path, KUMO_ERROR_INVALID, "endian"));
    /* Not closed, and no log: looked over, and opened; a log of another file is not used. */
    memcpy(changed, bytes, n);
    changed[33] |= 1;
    file_write(path, changed, n);
    db = open_at(path);
    CHECK(db != NULL && count(db) == 100);
    close_db(db);
    file_write(path, bytes, n);
    file_write(wal, bytes, n);
    db = open_at(path);
    CHECK(db != NULL && count(db) == 100 && verify(db) == 0);
    close_db(db);
    CHECK(access(wal, F_OK) != 0);
    /* Not closed, and every record in turn a free block, as after a kill of the original. */
    big = bytes[47] != 0;
    for (i = (unsigned char)bytes[big ? 71 : 64] | (size_t)(unsigned char)bytes[big ? 70 : 65] << 8;
         i < n; i += 16) {
        if ((unsigned char)bytes[i] == 0xc8) {
            memcpy(changed, bytes, n);
            changed[33] |= 1;
            changed[i] = (char)0xb0;
            file_write(path, changed, n);
            CHECK(refused(path, KUMO_ERROR_CORRUPT, "tchmgr optimize"));
            /* It was not closed as whole by that. */
            CHECK(refused(path, KUMO_ERROR_CORRUPT, "tchmgr optimize"));
        }
    }
    /* Every byte of the buckets and the links: refused or opened, but no crash. */
    for (i = 256; i < 300; i++) {
        memcpy(changed, bytes, n);
        changed[33] |= 1;
        changed[i] ^= 0x15;
        file_write(path, changed, n);
        db = open_at(path);
        if (db != NULL) {
            CHECK(verify(db) >= 0 && count(db) >= 0);
            close_db(db);
        }
    }
    /* Its making was interrupted. */
    db = open_new("fresh");
    close_db(db);
    file_write(path, changed, file_read(path_of("whole"), changed, sizeof changed));
    CHECK(truncate(path_of("fresh"), 5000) == 0);
    db = open_new("fresh");
    CHECK(set(db, "k", "v") && has(db, "k", "v"));
    close_db(db);
}

void test_opening(void)
{
    parameters_are_refused_with_words();
    one_at_a_time();
    damaged_files_are_refused();
}

/* ---- kumofs ---- */

/* key1 with value1, made by tchmgr as kumofs stores it, and a tombstone of key2. */
void read_kumofs(const char *path)
{
    static const char key[] = "\x1c\x99\x4b\xda\x6c\xab\x73\x10key1";
    void *db = open_at(path);
    char header[18];
    CHECK(db != NULL && verify(db) == 0);
    CHECK(kumo_key_hash(key, 12) == 0x1c994bda6cab7310);
    CHECK(op.rnum(db) == 2002 && count(db) == 2002);
    CHECK(op.get_header(db, key, 12, header, 18) == 16);
    CHECK(kumo_value_clocktime(header, 16) == 0x5e0be10000000001);
    CHECK(kumo_value_meta(header, 16) == 0 && memcmp(header + 10, "value1", 6) == 0);
    CHECK(op.get_header(db, "\1\2\3\4\5\6\7\10key2", 12, header, 18) == 8);
    CHECK(kumo_value_is_tombstone(header, 8));
    CHECK(op.update(db, key, 12, "\x5e\x0b\xe1\0\0\0\0\2\0\0value2", 16, always, NULL));
    CHECK(op.backup(db, path_of("backup")));
    close_db(db);
}
