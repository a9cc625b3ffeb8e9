/*
 * Drives a plugin through its table, as a host does, and checks what the contract says.
 *
 *     table_test LIBRARY DIRECTORY
 *
 * LIBRARY has a slash in it; DIRECTORY is empty, and the databases are made there. Prints
 * each test with ok or FAILED, and exits with 1 at the first that fails. What a described
 * plugin declares is kept to; KUMO_TEST_REENTRANT stands for KUMO_CAP_REENTRANT_SCAN where
 * the plugin is classic. Link it with -rdynamic: it exports the two functions that a plugin
 * built with msgpack-c's own header imports.
 */
#include "table_test.h"

/* ---- get, get_header, set ---- */

static void what_is_set_is_got(void)
{
    void *db = open_new("get");
    CHECK(op.rnum(db) == 0);
    CHECK(has(db, "key", NULL));
    CHECK(set(db, "key", "value"));
    CHECK(has(db, "key", "value"));
    CHECK(set(db, "key", "another, longer value"));
    CHECK(has(db, "key", "another, longer value"));
    CHECK(set(db, "key", "v"));
    CHECK(has(db, "key", "v"));
    CHECK(op.rnum(db) == 1);
    CHECK(has(db, "ke", NULL) && has(db, "keyy", NULL));
    CHECK(set(db, "ke", "shorter") && set(db, "keyy", "longer"));
    CHECK(has(db, "ke", "shorter") && has(db, "keyy", "longer") && has(db, "key", "v"));
    CHECK(op.rnum(db) == 3);
    CHECK(op.error(db) != NULL);
    close_db(db);
}

static void bytes_are_bytes(void)
{
    void *db = open_new("bytes");
    char all[256];
    int i;
    for (i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    CHECK(op.set(db, all, 256, all, 256));
    CHECK(has_bytes(db, all, 256, all, 256));
    /* Keys that differ in one bit, or behind a NUL. */
    CHECK(op.set(db, "a\0b", 3, "1", 1) && op.set(db, "a\0c", 3, "2", 1));
    CHECK(op.set(db, "a\0", 2, "3", 1) && op.set(db, "a", 1, "4", 1));
    CHECK(has_bytes(db, "a\0b", 3, "1", 1) && has_bytes(db, "a\0c", 3, "2", 1));
    CHECK(has_bytes(db, "a\0", 2, "3", 1) && has_bytes(db, "a", 1, "4", 1));
    CHECK(op.rnum(db) == 5);
    close_db(db);
}

static void what_is_empty_is_found(void)
{
    void *db = open_new("empty");
    asked a = {.answer = true};
    char buffer[4] = "abc";
    CHECK(has(db, "", NULL));
    CHECK(set(db, "", "of the empty key"));
    CHECK(has(db, "", "of the empty key"));
    CHECK(set(db, "k", ""));
    CHECK(has(db, "k", ""));
    CHECK(op.get_header(db, "k", 1, buffer, 3) == 0 && memcmp(buffer, "abc", 3) == 0);
    CHECK(update(db, "k", "", &a) && was_asked_about(&a, ""));
    CHECK(has(db, "k", ""));
    CHECK(set(db, "", ""));
    CHECK(has(db, "", ""));
    CHECK(op.rnum(db) == 2);
    CHECK(del_force(db, "") && del_force(db, "k"));
    CHECK(has(db, "", NULL) && has(db, "k", NULL) && op.rnum(db) == 0);
    close_db(db);
}

static void large_values_are_kept(void)
{
    void *db = open_new("large");
    size_t size = 5 << 20, keysize = 60000, i;
    char *val = malloc(size), *key = malloc(keysize), header[18];
    for (i = 0; i < size; i++) {
        val[i] = (char)(i * 2654435761U >> 13);
    }
    memset(key, 'k', keysize);
    CHECK(op.set(db, "large", 5, val, (uint32_t)size));
    CHECK(has_bytes(db, "large", 5, val, size));
    CHECK(op.get_header(db, "large", 5, header, 18) == 18 && memcmp(header, val, 18) == 0);
    CHECK(op.set(db, key, (uint32_t)keysize, "v", 1));
    CHECK(has_bytes(db, key, keysize, "v", 1));
    CHECK(has_bytes(db, key, keysize - 1, NULL, 0));
    close_db(db);
    free(val);
    free(key);
}

static void get_header_copies_the_start(void)
{
    void *db = open_new("header");
    char buffer[16];
    int32_t absent;
    CHECK(set(db, "key", "0123456789"));
    memset(buffer, '-', sizeof buffer);
    CHECK(op.get_header(db, "key", 3, buffer, 4) == 4 && memcmp(buffer, "0123--", 6) == 0);
    CHECK(op.get_header(db, "key", 3, buffer, 10) == 10 && memcmp(buffer, "0123456789--", 12) == 0);
    memset(buffer, '-', sizeof buffer);
    CHECK(op.get_header(db, "key", 3, buffer, 16) == 10 && memcmp(buffer, "0123456789--", 12) == 0);
    CHECK(op.get_header(db, "key", 3, buffer, 0) == 0);
    error_code = 0;
    absent = op.get_header(db, "none", 4, buffer, 16);
    CHECK(absent == -1 || (absent == 0 && !described)); /* two of kumofs's modules return 0 */
    CHECK(error_code == 0);
    close_db(db);
}

/* ---- update, del ---- */

static void update_asks_about_what_is_there(void)
{
    void *db = open_new("update");
    asked no = {.answer = false}, yes = {.answer = true};
    CHECK(update(db, "key", "one", &no) && no.times == 0); /* absent: stored, unasked */
    CHECK(has(db, "key", "one"));
    error_code = 0;
    CHECK(!update(db, "key", "two", &no) && was_asked_about(&no, "one"));
    CHECK(error_code == 0); /* a refusal is no failure */
    CHECK(has(db, "key", "one"));
    CHECK(update(db, "key", "three", &yes) && was_asked_about(&yes, "one"));
    CHECK(has(db, "key", "three") && op.rnum(db) == 1);
    close_db(db);
}

static void del_asks_about_what_is_there(void)
{
    void *db = open_new("del");
    asked no = {.answer = false}, yes = {.answer = true};
    error_code = 0;
    CHECK(!del(db, "key", &yes) && yes.times == 0);
    CHECK(error_code == 0);
    CHECK(set(db, "key", "one") && set(db, "other", "stays"));
    CHECK(!del(db, "key", &no) && was_asked_about(&no, "one"));
    CHECK(error_code == 0);
    CHECK(has(db, "key", "one") && op.rnum(db) == 2);
    CHECK(del(db, "key", &yes) && was_asked_about(&yes, "one"));
    CHECK(has(db, "key", NULL) && has(db, "other", "stays") && op.rnum(db) == 1);
    CHECK(!del(db, "key", &yes) && yes.times == 1);
    no.times = 0;
    CHECK(update(db, "key", "again", &no) && no.times == 0);
    CHECK(has(db, "key", "again"));
    close_db(db);
}

static void many_records_stay_apart(void)
{
    void *db = open_new("many");
    char key[32], val[32];
    int i;
    for (i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(val, sizeof val, "value %d", i);
        CHECK(set(db, key, val));
    }
    for (i = 0; i < 5000; i += 2) {
        snprintf(key, sizeof key, "key %d", i);
        CHECK(del_force(db, key));
    }
    CHECK(op.rnum(db) == 2500);
    for (i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(val, sizeof val, "value %d", i);
        CHECK(has(db, key, i % 2 ? val : NULL));
    }
    close_db(db);
}

static void updatev_stores_in_order(void)
{
    static const char *keys[] = {"a", "b", "a"};
    static const char *vals[] = {"1", "22", "333"};
    static const size_t keylens[] = {1, 1, 1}, vallens[] = {1, 2, 3};
    void *db;
    if (op.updatev == NULL) {
        printf("has none, ");
        return;
    }
    db = open_new("updatev");
    CHECK(op.updatev(db, keys, keylens, vals, vallens, 0) == 0);
    CHECK(op.updatev(db, keys, keylens, vals, vallens, 3) == 3);
    CHECK(has(db, "a", "333") && has(db, "b", "22") && op.rnum(db) == 2);
    close_db(db);
}

/* ---- zones ---- */

static int order[3];
static int norder;

static void note(void *data)
{
    order[norder++] = *(int *)data;
}

static void values_live_until_the_zone_is_cleared(void)
{
    void *db = open_new("zone");
    msgpack_zone zone = zone_new();
    int one = 1, two = 2, three = 3, i;
    uint32_t len;
    const char *val, *same;
    CHECK(set(db, "key", "the value that was read"));
    norder = 0;
    CHECK(msgpack_zone_push_finalizer(&zone, note, &one));
    val = op.get(db, "key", 3, &len, &zone);
    CHECK(msgpack_zone_push_finalizer(&zone, note, &two));
    same = op.get(db, "key", 3, &len, &zone);
    CHECK(msgpack_zone_push_finalizer(&zone, note, &three));
    CHECK(set(db, "key", "overwritten, by one that is longer"));
    CHECK(del_force(db, "key"));
    for (i = 0; i < 1000; i++) { /* so that memory given back too early is used again */
        CHECK(set(db, "filler", "the value that was wrong"));
    }
    CHECK(op.get(db, "filler", 6, &len, &zone) != NULL); /* another value, in the same zone */
    CHECK(val != NULL && memcmp(val, "the value that was read", 23) == 0);
    CHECK(same != NULL && memcmp(same, "the value that was read", 23) == 0);
    CHECK(norder == 0);
    zone_clear(&zone);
    CHECK(norder == 3 && order[0] == 3 && order[1] == 2 && order[2] == 1);
    zone_clear(&zone); /* a second time: nothing is freed twice */
    CHECK(norder == 3);
    /* Many values in one zone, which is used again. */
    for (i = 0; i < 300; i++) {
        CHECK(op.get(db, "filler", 6, &len, &zone) != NULL);
        if (i == 150) {
            zone_clear(&zone);
        }
    }
    zone_end(&zone);
    close_db(db);
}

static void a_zone_that_takes_no_finalizer_fails_the_get(void)
{
    void *db = open_new("refuse");
    msgpack_zone zone = zone_new();
    uint32_t len;
    int before = expansions;
    CHECK(set(db, "key", "value"));
    CHECK(op.get(db, "key", 3, &len, &zone) != NULL);
    zone_end(&zone);
    if (expansions == before) {
        printf("does not import msgpack_zone_push_finalizer_expand, ");
    } else {
        zone = zone_new();
        refuse_finalizers = true;
        error_code = 0;
        CHECK(op.get(db, "key", 3, &len, &zone) == NULL); /* and leaks nothing */
        CHECK(error_code != 0 || !described);
        refuse_finalizers = false;
        zone_end(&zone);
        CHECK(has(db, "key", "value"));
    }
    close_db(db);
}

/* ---- for_each ---- */

static void for_each_shows_each_record_once(void)
{
    void *db = open_new("scan");
    scan s = {.db = db};
    CHECK(op.for_each(db, &s, visit) >= 0 && s.visited == 0);
    scan_fill(db);
    CHECK(op.for_each(db, &s, visit) >= 0);
    CHECK(saw_each_once(&s));
    close_db(db);
}

static void a_negative_value_stops_for_each(void)
{
    static const int values[] = {-1, -7, INT_MIN};
    void *db = open_new("stop");
    size_t i;
    scan_fill(db);
    for (i = 0; i < 3; i++) {
        scan s = {.db = db, .stop_after = 5, .stop_with = values[i]};
        CHECK(op.for_each(db, &s, visit) == values[i]);
        CHECK(s.visited == 5);
    }
    {
        scan s = {.db = db, .stop_after = 5, .stop_with = 9}; /* not negative: goes on */
        CHECK(op.for_each(db, &s, visit) >= 0 && saw_each_once(&s));
    }
    close_db(db);
}

/* Deletes every third by force, every third if asked, and fails to delete the rest. */
static int visit_and_delete(void *user, void *it)
{
    scan *s = user;
    char val[32];
    int n = scan_number(it);
    asked a = {.answer = n % 3 == 1};
    CHECK(n >= 0);
    if (n < 0) {
        return 0;
    }
    s->visited++;
    s->seen[n]++;
    snprintf(val, sizeof val, "value %d", n);
    if (n % 3 == 0) {
        CHECK(op.iterator_del_force(it));
    } else {
        CHECK(op.iterator_del(it, ask, &a) == a.answer);
        CHECK(was_asked_about(&a, val));
    }
    return 0;
}

static int visit_and_delete_all(void *user, void *it)
{
    (void)user;
    CHECK(op.iterator_del_force(it));
    return 0;
}

static void for_each_may_delete_what_it_shows(void)
{
    void *db = open_new("scandel");
    scan s = {.db = db};
    char key[32], val[32];
    int i;
    if (op.iterator_del == NULL || op.iterator_del_force == NULL) {
        printf("has none, ");
        close_db(db);
        return;
    }
    scan_fill(db);
    CHECK(op.for_each(db, &s, visit_and_delete) >= 0);
    CHECK(saw_each_once(&s));
    for (i = 0; i < SCANNED; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(val, sizeof val, "value %d", i);
        CHECK(has(db, key, i % 3 == 2 ? val : NULL));
    }
    CHECK(op.rnum(db) == SCANNED / 3);
    CHECK(op.for_each(db, NULL, visit_and_delete_all) >= 0);
    CHECK(op.rnum(db) == 0);
    scan_fill(db);
    memset(&s, 0, sizeof s);
    CHECK(op.for_each(db, &s, visit) >= 0 && saw_each_once(&s));
    close_db(db);
}

static int visit_and_release(void *user, void *it)
{
    scan *s = user;
    int i = s->visited++;
    s->keylens[i] = op.iterator_keylen(it);
    s->vallens[i] = op.iterator_vallen(it);
    s->keys[i] = op.iterator_release_key(it, &s->zone);
    s->vals[i] = op.iterator_release_val(it, &s->zone);
    return 0;
}

static void what_is_released_outlives_the_scan(void)
{
    void *db = open_new("release");
    scan s = {.db = db, .zone = zone_new()};
    int i;
    scan_fill(db);
    CHECK(op.for_each(db, &s, visit_and_release) >= 0 && s.visited == SCANNED);
    for (i = 0; i < SCANNED; i++) {
        CHECK(s.keys[i] != NULL && s.vals[i] != NULL);
        CHECK(has_bytes(db, s.keys[i], s.keylens[i], s.vals[i], s.vallens[i]));
    }
    for (i = 0; i < SCANNED; i++) {
        CHECK(op.del(db, s.keys[i], (uint32_t)s.keylens[i], ask, &(asked){.answer = true}));
    }
    CHECK(op.rnum(db) == 0);
    for (i = 0; i < SCANNED; i++) {
        CHECK(memcmp(s.keys[i], "key ", 4) == 0 && memcmp(s.vals[i], "value ", 6) == 0);
    }
    zone_end(&s.zone);
    close_db(db);
}

static void *scan_thread(void *user)
{
    scan *s = user;
    CHECK(op.for_each(s->db, s, visit) >= 0);
    return NULL;
}

static void two_scans_at_once_see_all(void)
{
    void *db = open_new("twoscans");
    scan scans[2] = {{.db = db}, {.db = db}};
    pthread_t threads[2];
    int i;
    scan_fill(db);
    for (i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, scan_thread, &scans[i]);
    }
    for (i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK(saw_each_once(&scans[i]));
    }
    close_db(db);
}

/* In the callback: reads, writes, a scan within the scan that deletes, and more. */
static int visit_and_do_all(void *user, void *it)
{
    scan *s = user;
    int n = scan_number(it);
    char key[32], val[32];
    CHECK(n >= 0);
    if (n < 0) {
        return 0;
    }
    s->visited++;
    s->seen[n]++;
    snprintf(key, sizeof key, "key %d", n);
    snprintf(val, sizeof val, "value %d", n);
    CHECK(has(s->db, key, val));
    CHECK(set(s->db, key, val)); /* the record that is shown is replaced */
    CHECK(scan_number(it) == n);
    if (n == 50) {
        scan inner = {.db = s->db};
        CHECK(op.for_each(s->db, &inner, visit) >= 0 && saw_each_once(&inner));
        CHECK(del_force(s->db, key));
        CHECK(scan_number(it) == n); /* still there for us */
        CHECK(op.iterator_del_force == NULL || !op.iterator_del_force(it));
        CHECK(set(s->db, key, val));
    }
    return 0;
}

/* KUMO_CAP_REENTRANT_SCAN. */
static void any_operation_may_be_called_in_a_scan(void)
{
    void *db = open_new("reentrant");
    scan s = {.db = db};
    scan_fill(db);
    CHECK(op.for_each(db, &s, visit_and_do_all) >= 0);
    CHECK(saw_each_once(&s));
    CHECK(op.rnum(db) == SCANNED);
    close_db(db);
}

/* ---- threads ---- */

#define THREADS 8
#define ROUNDS 500
#define COUNTERS 3

typedef struct equal {
    uint64_t expected;
    bool *inside; /* of the counter: two at once would be a data race */
} equal;

static bool is_equal(void *casdata, const char *oldval, size_t oldvallen)
{
    equal *e = casdata;
    bool good = !*e->inside && oldvallen == 8 && memcmp(oldval, &e->expected, 8) == 0;
    *e->inside = true;
    *e->inside = false;
    return good;
}

static void *counting_db;
static bool inside[COUNTERS];

static void *count_thread(void *user)
{
    int round, counter;
    (void)user;
    for (round = 0; round < ROUNDS; round++) {
        for (counter = 0; counter < COUNTERS; counter++) {
            char key = (char)('0' + counter);
            equal e = {0, &inside[counter]};
            uint64_t next;
            do {
                CHECK(op.get_header(counting_db, &key, 1, (char *)&e.expected, 8) == 8);
                next = e.expected + 1;
            } while (!op.update(counting_db, &key, 1, (char *)&next, 8, is_equal, &e) &&
                     __atomic_load_n(&failures, __ATOMIC_RELAXED) == 0);
        }
    }
    return NULL;
}

static void no_update_is_lost(void)
{
    pthread_t threads[THREADS];
    uint64_t n = 0;
    int i;
    counting_db = open_new("count");
    for (i = 0; i < COUNTERS; i++) {
        char key = (char)('0' + i);
        CHECK(op.set(counting_db, &key, 1, (char *)&n, 8));
    }
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, count_thread, NULL);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    n = (uint64_t)THREADS * ROUNDS;
    for (i = 0; i < COUNTERS; i++) {
        char key = (char)('0' + i);
        CHECK(has_bytes(counting_db, &key, 1, (char *)&n, 8));
    }
    close_db(counting_db);
}

/* Every value says its key, so that a wrong or a freed one is seen. */
static int visit_churned(void *user, void *it)
{
    size_t keylen = op.iterator_keylen(it);
    (void)user;
    CHECK(op.iterator_vallen(it) > keylen);
    CHECK(memcmp(op.iterator_key(it), op.iterator_val(it), keylen) == 0);
    return 0;
}

static void *churn_thread(void *user)
{
    unsigned random = (unsigned)(uintptr_t)user * 2654435761U + 1;
    msgpack_zone zone = zone_new();
    char key[32], val[64];
    int round;
    for (round = 0; round < 1500; round++) {
        uint32_t keylen, vallen;
        random = random * 1103515245 + 12345;
        keylen = (uint32_t)snprintf(key, sizeof key, "churn %u", random >> 16 & 255);
        vallen = (uint32_t)snprintf(val, sizeof val, "%s %u", key, random);
        switch (random >> 28 & 7) {
        case 0:
        case 1:
            CHECK(op.set(counting_db, key, keylen, val, vallen));
            break;
        case 2: {
            asked a = {.answer = true};
            op.del(counting_db, key, keylen, ask, &a);
            CHECK(a.times <= 1);
            break;
        }
        case 3: {
            asked a = {.answer = random >> 27 & 1};
            op.update(counting_db, key, keylen, val, vallen, ask, &a);
            CHECK(a.times <= 1);
            break;
        }
        case 4:
            if (round % 50 == 0) {
                CHECK(op.for_each(counting_db, NULL, visit_churned) >= 0);
            }
            op.rnum(counting_db);
            break;
        default: {
            const char *got = op.get(counting_db, key, keylen, &vallen, &zone);
            CHECK(got == NULL || (vallen > keylen && memcmp(got, key, keylen) == 0));
            if (round % 8 == 0) {
                zone_clear(&zone);
            }
        }
        }
    }
    zone_end(&zone);
    return NULL;
}

static int visit_and_count(void *user, void *it)
{
    (void)it;
    ++*(uint64_t *)user;
    return 0;
}

static void all_operations_at_once(void)
{
    pthread_t threads[THREADS];
    uint64_t counted = 0;
    uintptr_t i;
    counting_db = open_new("churn");
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, churn_thread, (void *)i);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(op.for_each(counting_db, &counted, visit_and_count) >= 0);
    CHECK(counted == op.rnum(counting_db));
    close_db(counting_db);
}

/* ---- backup ---- */

static char backup_path[PATH_MAX];
static char backup_tmp[PATH_MAX + 4];

/* False: the engine has no backup, which it must say, leaving nothing behind. */
static bool backup(void *db, const char *name)
{
    path_of(backup_path, name);
    snprintf(backup_tmp, sizeof backup_tmp, "%s.tmp", backup_path);
    error_code = 0;
    if (op.backup(db, backup_path)) {
        CHECK(exists(backup_path) && !exists(backup_tmp));
        return true;
    }
    CHECK(!exists(backup_path) && !exists(backup_tmp));
    CHECK(op.error(db) != NULL && op.error(db)[0] != '\0');
    printf("has none (%s), ", op.error(db));
    return false;
}

static void a_backup_opens_as_a_database(void)
{
    void *db = open_new("original"), *copy;
    char nowhere[PATH_MAX];
    scan s = {.db = db};
    scan_fill(db);
    CHECK(op.set(db, "\0\377", 2, "\0\0", 2) && set(db, "", "empty key"));
    CHECK(set(db, "empty value", ""));
    if (backup(db, "backup")) {
        CHECK(set(db, "later", "than the backup"));
        copy = open_at(backup_path);
        CHECK(copy != NULL);
        if (copy != NULL) {
            CHECK(op.rnum(copy) == SCANNED + 3);
            CHECK(has_bytes(copy, "\0\377", 2, "\0\0", 2) && has(copy, "", "empty key"));
            CHECK(has(copy, "empty value", "") && has(copy, "later", NULL));
            CHECK(del_force(copy, "") && del_force(copy, "empty value"));
            CHECK(op.del(copy, "\0\377", 2, ask, &(asked){.answer = true}));
            CHECK(op.for_each(copy, &s, visit) >= 0 && saw_each_once(&s));
            CHECK(has(db, "", "empty key")); /* they are two */
            close_db(copy);
        }
        CHECK(!op.backup(db, backup_path)); /* never over another */
        CHECK(!exists(backup_tmp));
        copy = open_at(backup_path);
        CHECK(copy != NULL && has(copy, "later", NULL));
        if (copy != NULL) {
            close_db(copy);
        }
        path_of(nowhere, "nowhere/backup");
        error_code = 0;
        CHECK(!op.backup(db, nowhere));
        CHECK(error_code != 0 || !described);
        CHECK(op.error(db) != NULL && op.error(db)[0] != '\0');
    }
    close_db(db);
}

static bool writing; /* atomic */

/* Every state between two writes has first == second or first == second + 1. */
static void *pair_thread(void *user)
{
    uint64_t n;
    (void)user;
    for (n = 1; __atomic_load_n(&writing, __ATOMIC_RELAXED); n++) {
        CHECK(op.set(counting_db, "first", 5, (char *)&n, 8));
        CHECK(op.set(counting_db, "second", 6, (char *)&n, 8));
    }
    return NULL;
}

static void a_backup_is_one_moment(void)
{
    uint64_t zero = 0, first, second;
    pthread_t writer;
    char name[32];
    int round;
    bool can = true;
    counting_db = open_new("moving");
    scan_fill(counting_db);
    CHECK(op.set(counting_db, "first", 5, (char *)&zero, 8));
    CHECK(op.set(counting_db, "second", 6, (char *)&zero, 8));
    writing = true;
    pthread_create(&writer, NULL, pair_thread, NULL);
    for (round = 0; round < 20 && can; round++) {
        void *copy;
        snprintf(name, sizeof name, "moment%d", round);
        can = backup(counting_db, name);
        copy = can ? open_at(backup_path) : NULL;
        if (copy != NULL) {
            CHECK(op.get_header(copy, "first", 5, (char *)&first, 8) == 8);
            CHECK(op.get_header(copy, "second", 6, (char *)&second, 8) == 8);
            CHECK(first == second || first == second + 1);
            close_db(copy);
        }
        CHECK(copy != NULL || !can);
    }
    __atomic_store_n(&writing, false, __ATOMIC_RELAXED);
    pthread_join(writer, NULL);
    close_db(counting_db);
}

/* ---- what is said of failures ---- */

static bool refused(const char *path, const char *words)
{
    void *db = op.create();
    bool good;
    error_code = 0;
    if (op.open(db, path)) {
        close_db(db);
        return false;
    }
    good = op.error(db) != NULL && strstr(op.error(db), words) != NULL &&
           (!described || (error_code != 0 && strcmp(error_text, op.error(db)) == 0));
    op.free(db);
    return good;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, n, file) == n);
    if (file != NULL) {
        fclose(file);
    }
}

/* memhash's own: what it refuses to open, every cut and every flipped byte among it. */
static void bad_dumps_are_refused_with_words(void)
{
    void *db = open_new("whole");
    char path[PATH_MAX], bytes[512];
    size_t n, i;
    FILE *file;
    CHECK(set(db, "key", "value") && set(db, "another", "one"));
    CHECK(backup(db, "dump"));
    close_db(db);
    file = fopen(backup_path, "rb");
    n = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file != NULL) {
        fclose(file);
    }
    CHECK(n > 20 && n < sizeof bytes);
    path_of(path, "damaged");
    for (i = 0; i < n; i++) {
        write_file(path, bytes, i);
        CHECK(refused(path, i < 8 ? "is not a dump of memhash" : "is cut short or damaged"));
        bytes[i] ^= 1;
        write_file(path, bytes, n);
        CHECK(refused(path, i < 8 ? "is not a dump" : i < 12 ? "has version" : "damaged"));
        bytes[i] ^= (char)0x81; /* a length that reaches far behind the end */
        write_file(path, bytes, n);
        CHECK(refused(path, path));
        bytes[i] ^= (char)0x80;
    }
    bytes[n] = 'x';
    write_file(path, bytes, n + 1);
    CHECK(refused(path, "is cut short or damaged"));
    write_file(path, bytes, n);
    db = open_at(path);
    CHECK(db != NULL && has(db, "key", "value") && op.rnum(db) == 2);
    if (db != NULL) {
        /* A leftover .tmp is not ours to remove. */
        path_of(path, "left.tmp");
        write_file(path, "x", 1);
        path_of(path, "left");
        CHECK(!op.backup(db, path) && !exists(path));
        path_of(path, "left.tmp");
        CHECK(exists(path));
        path_of(path, "cannot#open=it");
        CHECK(!op.backup(db, path) && !exists(path));
        close_db(db);
    }
    path_of(path, "");
    CHECK(refused(path, "is not a file"));
    path_of(path, "new#capacity=1");
    CHECK(refused(path, "remove \"#capacity=1\""));
}

/* On a thread of its own, which is not the one that loaded the plugin. */
static void *run_all(void *unused)
{
    bool threads = plugin.thread_model != KUMO_THREAD_SINGLE;
    RUN(what_is_set_is_got);
    RUN(bytes_are_bytes);
    RUN(what_is_empty_is_found);
    RUN(large_values_are_kept);
    RUN(get_header_copies_the_start);
    RUN(update_asks_about_what_is_there);
    RUN(del_asks_about_what_is_there);
    RUN(many_records_stay_apart);
    RUN(updatev_stores_in_order);
    RUN(values_live_until_the_zone_is_cleared);
    RUN(a_zone_that_takes_no_finalizer_fails_the_get);
    RUN(for_each_shows_each_record_once);
    RUN(a_negative_value_stops_for_each);
    RUN(for_each_may_delete_what_it_shows);
    RUN(what_is_released_outlives_the_scan);
    if (scans_are_free()) {
        RUN(any_operation_may_be_called_in_a_scan);
    }
    if (scans_are_free() && threads) {
        RUN(two_scans_at_once_see_all);
    }
    if (threads) {
        RUN(no_update_is_lost);
        RUN(all_operations_at_once);
    }
    RUN(a_backup_opens_as_a_database);
    if (threads) {
        RUN(a_backup_is_one_moment);
    }
    if (described) {
        test_tail();
    }
    if (described && strcmp(plugin.name, "memhash") == 0) {
        RUN(bad_dumps_are_refused_with_words);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc != 3) {
        fprintf(stderr, "usage: table_test LIBRARY DIRECTORY\n");
        return 2;
    }
    load(argv[1], argv[2]);
    pthread_create(&thread, NULL, run_all, NULL);
    pthread_join(thread, NULL);
    return 0;
}
