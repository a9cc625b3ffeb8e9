/* Many threads at once. */
#include "test.h"

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

static void *counting_db; /* what the threads share */
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

void test_threads(void)
{
    RUN(no_update_is_lost);
    RUN(all_operations_at_once);
}
