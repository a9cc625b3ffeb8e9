/*
 * What a described plugin may add to the table, each where it has it: sync, stats, verify,
 * compact, seek; and what its capabilities promise.
 */
#include "test.h"

#include <ctype.h>

/* ---- capabilities ---- */

static void what_is_stored_is_there_when_opened_again(void)
{
    char path[PATH_MAX];
    void *db = open_new("again");
    scan s = {.db = NULL};
    scan_fill(db);
    CHECK(set(db, "gone", "soon") && del_force(db, "gone"));
    CHECK(set(db, "twice", "1") && set(db, "twice", "22"));
    CHECK(op.set(db, "\0\377", 2, "\0\0", 2) && set(db, "", "empty key"));
    CHECK(set(db, "last", ""));
    close_db(db);
    path_of(path, "again");
    db = open_at(path);
    CHECK(db != NULL);
    if (db != NULL) {
        CHECK(op.rnum(db) == SCANNED + 4);
        CHECK(has(db, "gone", NULL) && has(db, "twice", "22") && has(db, "last", ""));
        CHECK(has_bytes(db, "\0\377", 2, "\0\0", 2) && has(db, "", "empty key"));
        CHECK(del_force(db, "twice") && del_force(db, "last") && del_force(db, ""));
        CHECK(op.del(db, "\0\377", 2, ask, &(asked){.answer = true}));
        close_db(db);
        db = open_at(path);
        CHECK(db != NULL && op.for_each(db, &s, visit) >= 0 && saw_each_once(&s));
        close_db(db);
    }
}

typedef struct sorted {
    char last[32];
    size_t lastlen;
    int shown;
    int stop_after; /* and return -5 */
    bool good;
} sorted;

static int visit_sorted(void *user, void *it)
{
    sorted *s = user;
    size_t len = op.iterator_keylen(it), least = len < s->lastlen ? len : s->lastlen;
    int order = memcmp(s->last, op.iterator_key(it), least);
    s->good = s->good && (order < 0 || (order == 0 && (s->lastlen < len || s->shown == 0)));
    memcpy(s->last, op.iterator_key(it), len);
    s->lastlen = len;
    return ++s->shown == s->stop_after ? -5 : 0;
}

static void fill_unsorted(void *db)
{
    CHECK(set(db, "b", "") && set(db, "a", "") && set(db, "ab", "") && set(db, "\377", ""));
    CHECK(set(db, "", "") && set(db, "aa", "") && op.set(db, "a\0", 2, "", 0));
}

static void records_are_shown_in_order(void)
{
    void *db = open_new("order");
    sorted s = {.good = true};
    fill_unsorted(db);
    CHECK(op.for_each(db, &s, visit_sorted) >= 0 && s.good && s.shown == 7);
    close_db(db);
}

/* ---- operations ---- */

static int sought(void *db, sorted *s, const char *key, size_t keylen)
{
    int result;
    enter();
    result = plugin.seek(db, key, keylen, s, visit_sorted);
    leave();
    return result;
}

static void seek_begins_at_a_key(void)
{
    static const struct {
        const char *key;
        size_t keylen;
        int shown;
    } cases[] = {{"", 0, 7}, {"a", 1, 6}, {"a\0", 2, 5}, {"a\0\0", 3, 4},
                 {"aa", 2, 4}, {"ac", 2, 2}, {"\377", 1, 1}, {"\377\377", 2, 0}};
    void *db = open_new("seek");
    size_t i;
    CHECK(plugin.caps & KUMO_CAP_ORDERED);
    fill_unsorted(db);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        sorted s = {.good = true};
        CHECK(sought(db, &s, cases[i].key, cases[i].keylen) >= 0);
        CHECK(s.good && s.shown == cases[i].shown);
    }
    {
        sorted s = {.good = true, .stop_after = 2};
        CHECK(sought(db, &s, "a", 1) == -5 && s.shown == 2);
    }
    close_db(db);
}

static bool synced(void *db)
{
    bool good;
    enter();
    good = plugin.sync(db);
    leave();
    return good;
}

static void sync_says_that_it_is_done(void)
{
    void *db = open_new("sync");
    CHECK(synced(db));
    scan_fill(db);
    CHECK(synced(db) && synced(db));
    CHECK(has(db, "key 7", "value 7"));
    close_db(db);
}

static void add_stat(void *user, const char *name, const char *value)
{
    const char *c;
    CHECK(*name != '\0' && value != NULL && strchr(value, '\n') == NULL);
    for (c = name; *c != '\0'; c++) {
        CHECK(isalnum((unsigned char)*c) || *c == '_');
    }
    ++*(int *)user;
}

static void stats_are_names_and_values(void)
{
    void *db = open_new("stats");
    int n = 0;
    bool good;
    scan_fill(db);
    enter();
    good = plugin.stats(db, add_stat, &n);
    leave();
    CHECK(good && n > 0);
    close_db(db);
}

static void add_fault(void *user, const char *text)
{
    printf("\n    %s", text);
    ++*(int *)user;
}

static int64_t faults(void *db)
{
    int reported = 0;
    int64_t n;
    enter();
    n = plugin.verify(db, add_fault, &reported);
    leave();
    CHECK(n == reported);
    return n;
}

static void verify_finds_nothing(void)
{
    void *db = open_new("verify");
    CHECK(faults(db) == 0);
    scan_fill(db);
    CHECK(set(db, "", "") && set(db, "key 1", "changed") && del_force(db, "key 2"));
    CHECK(faults(db) == 0);
    close_db(db);
}

static bool compacted(void *db)
{
    bool good;
    enter();
    good = plugin.compact(db);
    leave();
    return good;
}

static void compact_loses_nothing(void)
{
    void *db = open_new("compact");
    msgpack_zone zone = zone_new();
    const char *val;
    uint32_t len;
    scan s = {.db = db};
    CHECK(compacted(db));
    scan_fill(db);
    scan_fill(db);
    CHECK(set(db, "gone", "soon") && del_force(db, "gone"));
    val = op.get(db, "key 3", 5, &len, &zone);
    CHECK(compacted(db));
    CHECK(val != NULL && len == 7 && memcmp(val, "value 3", 7) == 0);
    CHECK(op.for_each(db, &s, visit) >= 0 && saw_each_once(&s));
    CHECK(has(db, "gone", NULL) && set(db, "later", "on") && has(db, "later", "on"));
    zone_end(&zone);
    close_db(db);
}

void test_tail(void)
{
    if (!(plugin.caps & KUMO_CAP_VOLATILE)) {
        RUN(what_is_stored_is_there_when_opened_again);
    }
    if (plugin.caps & KUMO_CAP_ORDERED) {
        RUN(records_are_shown_in_order);
    }
    if (plugin.seek != NULL) {
        RUN(seek_begins_at_a_key);
    }
    if (plugin.sync != NULL) {
        RUN(sync_says_that_it_is_done);
    }
    if (plugin.stats != NULL) {
        RUN(stats_are_names_and_values);
    }
    if (plugin.verify != NULL) {
        RUN(verify_finds_nothing);
    }
    if (plugin.compact != NULL) {
        RUN(compact_loses_nothing);
    }
}
