/*
 * compat/msgpack.h: what its zones do, and that it gets along with msgpack-c's header.
 * Compiled as C and as C++, alone and with -DGENUINE_FIRST or -DGENUINE_AFTER: then a
 * message is unpacked into a zone too, by msgpack-c's library.
 */
#ifdef GENUINE_FIRST
#include <msgpack.h>
#endif
#include <compat/msgpack.h>
#ifdef GENUINE_AFTER
#include <msgpack.h>
#endif
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int called[100];
static int ncalled;

static void note(void *data)
{
    called[ncalled++] = *(int *)data;
}

static int finalizers_run_once_and_last_pushed_first(void)
{
    static int numbers[100];
    msgpack_zone zone;
    int i;
    CHECK(msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE));
    for (i = 0; i < 100; i++) {
        numbers[i] = i;
        CHECK(msgpack_zone_push_finalizer(&zone, note, &numbers[i]));
    }
    CHECK(ncalled == 0);
    msgpack_zone_clear(&zone);
    CHECK(ncalled == 100);
    for (i = 0; i < 100; i++) {
        CHECK(called[i] == 99 - i);
    }
    msgpack_zone_clear(&zone);
    CHECK(ncalled == 100);
    ncalled = 0;
    CHECK(msgpack_zone_push_finalizer(&zone, note, &numbers[7]));
    msgpack_zone_destroy(&zone);
    CHECK(ncalled == 1 && called[0] == 7);
    return 0;
}

static int memory_is_aligned_apart_and_usable(void)
{
    static const size_t sizes[] = {1, 7, 8, 63, 64, 65, 1000, 0, 3, 20000, 5};
    enum { N = sizeof sizes / sizeof *sizes };
    char *taken[N];
    msgpack_zone *zone = msgpack_zone_new(64);
    int round, i;
    size_t at;
    CHECK(zone != NULL && msgpack_zone_is_empty(zone));
    for (round = 0; round < 3; round++) {
        for (i = 0; i < N; i++) {
            CHECK(msgpack_zone_malloc_no_align(zone, 1) != NULL);
            taken[i] = (char *)msgpack_zone_malloc(zone, sizes[i]);
            CHECK(taken[i] != NULL && (uintptr_t)taken[i] % 8 == 0);
            memset(taken[i], i, sizes[i]);
        }
        for (i = 0; i < N; i++) {
            for (at = 0; at < sizes[i]; at++) {
                CHECK(taken[i][at] == i);
            }
        }
        CHECK(!msgpack_zone_is_empty(zone));
        msgpack_zone_clear(zone);
        CHECK(msgpack_zone_is_empty(zone));
    }
    msgpack_zone_free(zone);
    return 0;
}

static int zones_are_exchanged(void)
{
    int one = 1;
    msgpack_zone a, b;
    CHECK(msgpack_zone_init(&a, 64) && msgpack_zone_init(&b, 64));
    CHECK(msgpack_zone_push_finalizer(&a, note, &one));
    msgpack_zone_swap(&a, &b);
    ncalled = 0;
    msgpack_zone_destroy(&a);
    CHECK(ncalled == 0);
    msgpack_zone_destroy(&b);
    CHECK(ncalled == 1);
    return 0;
}

#if !defined(GENUINE_FIRST) && !defined(GENUINE_AFTER)
/* A host's zone: all zeros, until it is used. And sizes that cannot be. */
static int a_zone_of_zeros_works(void)
{
    msgpack_zone zone;
    int one = 1;
    memset(&zone, 0, sizeof zone);
    zone.chunk_size = MSGPACK_ZONE_CHUNK_SIZE;
    CHECK(msgpack_zone_is_empty(&zone));
    msgpack_zone_clear(&zone);
    CHECK(msgpack_zone_malloc(&zone, 0) != NULL);
    CHECK(msgpack_zone_malloc(&zone, SIZE_MAX) == NULL);
    CHECK(msgpack_zone_malloc(&zone, SIZE_MAX - 4) == NULL);
    CHECK(msgpack_zone_malloc(&zone, 100) != NULL);
    ncalled = 0;
    CHECK(msgpack_zone_push_finalizer(&zone, note, &one));
    msgpack_zone_destroy(&zone);
    CHECK(ncalled == 1);
    return 0;
}
#else
static int msgpack_c_works_on_its_zones(void)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_zone zone;
    msgpack_object object;
    msgpack_unpacked unpacked;
    size_t at = 0;
    int i;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    CHECK(msgpack_pack_array(&packer, 1000) == 0);
    for (i = 0; i < 1000; i++) {
        CHECK(msgpack_pack_int(&packer, i) == 0);
    }
    CHECK(msgpack_zone_init(&zone, 64));
    CHECK(msgpack_unpack(buffer.data, buffer.size, NULL, &zone, &object) ==
          MSGPACK_UNPACK_SUCCESS);
    CHECK(object.type == MSGPACK_OBJECT_ARRAY && object.via.array.size == 1000);
    CHECK(object.via.array.ptr[999].via.u64 == 999);
    msgpack_zone_clear(&zone);
    CHECK(msgpack_zone_is_empty(&zone));
    msgpack_zone_destroy(&zone);
    /* The library makes this zone, and the inline functions end it. */
    msgpack_unpacked_init(&unpacked);
    CHECK(msgpack_unpack_next(&unpacked, buffer.data, buffer.size, &at) ==
          MSGPACK_UNPACK_SUCCESS);
    msgpack_unpacked_destroy(&unpacked);
    /* And the other way about. */
    unpacked.zone = msgpack_zone_new(64);
    CHECK(unpacked.zone != NULL && msgpack_zone_malloc(unpacked.zone, 100) != NULL);
    at = 0;
    CHECK(msgpack_unpack_next(&unpacked, buffer.data, buffer.size, &at) ==
          MSGPACK_UNPACK_SUCCESS);
    msgpack_unpacked_destroy(&unpacked);
    msgpack_sbuffer_destroy(&buffer);
    return 0;
}
#endif

int main(void)
{
    return finalizers_run_once_and_last_pushed_first() || memory_is_aligned_apart_and_usable() ||
           zones_are_exchanged() ||
#if !defined(GENUINE_FIRST) && !defined(GENUINE_AFTER)
           a_zone_of_zeros_works();
#else
           msgpack_c_works_on_its_zones();
#endif
}
