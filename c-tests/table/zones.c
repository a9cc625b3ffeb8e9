/* What get hands out lives as long as its zone. */
#include "test.h"

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

void test_zones(void)
{
    RUN(values_live_until_the_zone_is_cleared);
    RUN(a_zone_that_takes_no_finalizer_fails_the_get);
}
