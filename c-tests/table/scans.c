/* for_each, and what may be done in it. */
#include "test.h"

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

void test_scans(void)
{
    RUN(for_each_shows_each_record_once);
    RUN(a_negative_value_stops_for_each);
    RUN(for_each_may_delete_what_it_shows);
    RUN(what_is_released_outlives_the_scan);
    if (scans_are_free()) {
        RUN(any_operation_may_be_called_in_a_scan);
    }
    if (scans_are_free() && threads_are_free()) {
        RUN(two_scans_at_once_see_all);
    }
}
