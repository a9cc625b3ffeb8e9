/* Many records in one call, where a described plugin has such: getv, batch. */
#include "test.h"

#include <time.h>

static bool gotten(void *db, const char *const *keys, const uint32_t *keylens, uint32_t num,
                   const char **vals, uint32_t *vallens, msgpack_zone *zone)
{
    bool good;
    error_code = 0;
    enter();
    good = plugin.getv(db, keys, keylens, num, vals, vallens, zone);
    leave();
    return good;
}

static void getv_is_many_gets(void)
{
    static const char *const keys[] = {"b", "none", "a", "empty", "b", "", "a\0", "nor this"};
    static const uint32_t keylens[] = {1, 4, 1, 5, 1, 0, 2, 8};
    static const char *const expected[] = {"two", NULL, "one", "", "two", "no key", "nul", NULL};
    enum { N = 8 };
    void *db = open_new("getv");
    msgpack_zone zone = zone_new();
    const char *vals[N];
    uint32_t vallens[N];
    size_t i;
    CHECK(set(db, "a", "one") && set(db, "b", "two") && set(db, "empty", ""));
    CHECK(set(db, "", "no key") && op.set(db, "a\0", 2, "nul", 3));
    CHECK(gotten(db, keys, keylens, 0, vals, vallens, &zone));
    for (i = 0; i < N; i++) {
        vals[i] = "not set";
    }
    CHECK(gotten(db, keys, keylens, N, vals, vallens, &zone));
    CHECK(error_code == 0); /* a miss is no error */
    CHECK(set(db, "a", "changed") && del_force(db, "b")); /* what was read stays */
    for (i = 0; i < N; i++) {
        CHECK((vals[i] == NULL) == (expected[i] == NULL));
        CHECK(vals[i] == NULL || expected[i] == NULL ||
              (vallens[i] == strlen(expected[i]) &&
               memcmp(vals[i], expected[i], vallens[i]) == 0));
    }
    zone_end(&zone);
    close_db(db);
}

static void getv_takes_many_keys(void)
{
    enum { N = 1000 };
    static char text[N][16];
    static const char *keys[N], *vals[N];
    static uint32_t keylens[N], vallens[N];
    void *db = open_new("getvmany");
    msgpack_zone zone = zone_new();
    int i;
    for (i = 0; i < N; i++) {
        keys[i] = text[i];
        keylens[i] = (uint32_t)snprintf(text[i], sizeof text[i], "key %d", i);
        CHECK(i % 3 == 0 || set(db, keys[i], keys[i]));
    }
    CHECK(gotten(db, keys, keylens, N, vals, vallens, &zone));
    for (i = 0; i < N; i++) {
        CHECK(i % 3 == 0 ? vals[i] == NULL
                         : vals[i] != NULL && vallens[i] == keylens[i] &&
                               memcmp(vals[i], keys[i], keylens[i]) == 0);
    }
    zone_end(&zone);
    close_db(db);
}

static bool changed(void *db, const kumo_change *changes, size_t num)
{
    bool good;
    error_code = 0;
    enter();
    good = plugin.batch(db, changes, num);
    leave();
    return good;
}

static void a_batch_is_carried_out_in_order(void)
{
    static const kumo_change changes[] = {
        {"new", 3, "1", 1},   {"old", 3, NULL, 0},   {"none", 4, NULL, 0}, {"twice", 5, "1", 1},
        {"twice", 5, "2", 1}, {"gone", 4, "1", 1},   {"gone", 4, NULL, 0}, {"back", 4, NULL, 0},
        {"back", 4, "2", 1},  {"empty", 5, "", 0},   {"", 0, "no key", 6}, {"a\0b", 3, "\0", 1},
        {"same", 4, "2", 1},
    };
    void *db = open_new("batch");
    CHECK(set(db, "old", "1") && set(db, "back", "1") && set(db, "same", "1"));
    CHECK(changed(db, changes, 0) && op.rnum(db) == 3);
    CHECK(changed(db, changes, sizeof changes / sizeof *changes));
    CHECK(error_code == 0);
    CHECK(has(db, "new", "1") && has(db, "old", NULL) && has(db, "none", NULL));
    CHECK(has(db, "twice", "2") && has(db, "gone", NULL) && has(db, "back", "2"));
    CHECK(has(db, "empty", "") && has(db, "", "no key") && has_bytes(db, "a\0b", 3, "\0", 1));
    CHECK(has(db, "same", "2") && op.rnum(db) == 7);
    close_db(db);
}

#define BATCHED 20

typedef struct batches {
    void *db;
    bool end; /* atomic */
} batches;

/* All keys have one number at any moment; every fourth batch deletes them all. */
static void *batch_thread(void *user)
{
    batches *b = user;
    kumo_change changes[BATCHED];
    char keys[BATCHED], val[8];
    uint64_t n;
    int i;
    for (n = 1; !__atomic_load_n(&b->end, __ATOMIC_RELAXED); n++) {
        memcpy(val, &n, 8);
        for (i = 0; i < BATCHED; i++) {
            keys[i] = (char)('a' + i);
            changes[i] = (kumo_change){&keys[i], 1, n % 4 ? val : NULL, 8};
        }
        CHECK(changed(b->db, changes, BATCHED));
    }
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Who has seen one change of a batch sees all of them. */
static void a_batch_happens_at_once(void)
{
    batches b = {.db = open_new("atonce")};
    pthread_t writer;
    double until = now() + 0.3;
    int i;
    pthread_create(&writer, NULL, batch_thread, &b);
    while (now() < until) {
        uint64_t last = 0, n;
        for (i = BATCHED - 1; i >= 0; i -= 3) { /* against the order in which they are written */
            char key = (char)('a' + i);
            if (op.get_header(b.db, &key, 1, (char *)&n, 8) == 8) {
                CHECK(n >= last);
                last = n;
            }
        }
        for (i = 0, last = 0; i < BATCHED; i++) { /* and with it */
            char key = (char)('a' + i);
            if (op.get_header(b.db, &key, 1, (char *)&n, 8) == 8) {
                CHECK(n >= last);
                last = n;
            }
        }
    }
    __atomic_store_n(&b.end, true, __ATOMIC_RELAXED);
    pthread_join(writer, NULL);
    close_db(b.db);
}

static void several_writers_of_batches(void)
{
    batches b = {.db = open_new("writers")};
    pthread_t writers[4];
    char found[9] = "", all[9];
    int i;
    for (i = 0; i < 4; i++) {
        pthread_create(&writers[i], NULL, batch_thread, &b);
    }
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    __atomic_store_n(&b.end, true, __ATOMIC_RELAXED);
    for (i = 0; i < 4; i++) {
        pthread_join(writers[i], NULL);
    }
    for (i = 0; i < BATCHED; i++) {
        char key = (char)('a' + i);
        memset(all, 0, sizeof all);
        op.get_header(b.db, &key, 1, all, 8);
        CHECK(i == 0 || memcmp(all, found, 8) == 0);
        memcpy(found, all, 8);
    }
    close_db(b.db);
}

void test_many(void)
{
    if (plugin.getv != NULL) {
        RUN(getv_is_many_gets);
        RUN(getv_takes_many_keys);
    }
    if (plugin.batch != NULL) {
        RUN(a_batch_is_carried_out_in_order);
        if (threads_are_free()) {
            RUN(a_batch_happens_at_once);
            RUN(several_writers_of_batches);
        }
    }
}
