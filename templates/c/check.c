/*
 * The plugin's own tests: they call it through its table, as the host does. Add one for
 * everything that you add.
 */
#define _POSIX_C_SOURCE 200809L

#include <kumo_storage.h>
#include <compat/msgpack.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define THREADS 4
#define ROUNDS 10000

static kumo_storage_op op;
static void *db;

/* ---- a host ---- */

static void on_log(uint32_t level, const char *text)
{
    (void)level;
    fprintf(stderr, "log: %s\n", text);
}

static void on_error(int32_t code, const char *text)
{
    fprintf(stderr, "error %d: %s\n", (int)code, text);
    exit(1); /* no call in these tests is meant to fail */
}

static bool push_finalizer(msgpack_zone *zone, kumo_finalizer func, void *data)
{
    return msgpack_zone_push_finalizer(zone, func, data);
}

static void *zone_malloc(msgpack_zone *zone, size_t size)
{
    return msgpack_zone_malloc(zone, size);
}

static const kumo_host host = {
    .struct_size = sizeof(kumo_host),
    .abi_version = KUMO_ABI_VERSION,
    .log = on_log,
    .set_error = on_error,
    .zone_push_finalizer = push_finalizer,
    .zone_malloc = zone_malloc,
};

/* ---- calls ---- */

/* A comparison: whether the value is this text. `asked` counts. */
typedef struct expected {
    const char *text;
    int asked;
} expected;

static bool is_expected(void *casdata, const char *oldval, size_t oldvallen)
{
    expected *e = casdata;
    e->asked++;
    return oldvallen == strlen(e->text) && memcmp(oldval, e->text, oldvallen) == 0;
}

static bool set(const char *key, const char *val)
{
    return op.set(db, key, (uint32_t)strlen(key), val, (uint32_t)strlen(val));
}

static bool update(const char *key, const char *val, expected *e)
{
    return op.update(db, key, (uint32_t)strlen(key), val, (uint32_t)strlen(val), is_expected, e);
}

static bool del(const char *key, expected *e)
{
    return op.del(db, key, (uint32_t)strlen(key), is_expected, e);
}

/* Whether the key has this value; no value: whether it is not there. */
static bool has(const char *key, const char *val)
{
    msgpack_zone *zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
    uint32_t len = 0;
    const char *found = op.get(db, key, (uint32_t)strlen(key), &len, zone);
    bool same = val == NULL ? found == NULL
                            : found != NULL && len == strlen(val) && memcmp(found, val, len) == 0;
    msgpack_zone_free(zone);
    return same;
}

/* ---- the tests ---- */

static void values_are_stored_and_found(void)
{
    CHECK(has("a", NULL));
    CHECK(set("a", "1") && has("a", "1"));
    CHECK(set("a", "other") && has("a", "other"));
    CHECK(set("empty", "") && has("empty", ""));
    CHECK(set("", "no key") && has("", "no key"));
    CHECK(op.rnum(db) == 3);
}

static void a_value_outlives_its_record(void)
{
    msgpack_zone *zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
    expected second = {"second", 0};
    const char *val;
    uint32_t len;
    CHECK(set("k", "first"));
    val = op.get(db, "k", 1, &len, zone);
    CHECK(val != NULL && set("k", "second") && del("k", &second));
    CHECK(len == 5 && memcmp(val, "first", 5) == 0);
    msgpack_zone_free(zone);
}

static void the_comparison_decides(void)
{
    expected one = {"1", 0}, two = {"2", 0};
    CHECK(!del("cas", &one) && one.asked == 0); /* not there: not asked */
    CHECK(update("cas", "1", &two) && two.asked == 0);
    CHECK(!update("cas", "2", &two) && two.asked == 1 && has("cas", "1"));
    CHECK(update("cas", "2", &one) && one.asked == 1 && has("cas", "2"));
    CHECK(!del("cas", &one) && has("cas", "2"));
    CHECK(del("cas", &two) && has("cas", NULL));
}

static int count(void *user, void *iterator_data)
{
    if (op.iterator_keylen(iterator_data) == 8 &&
        memcmp(op.iterator_key(iterator_data), "scan", 4) == 0 &&
        op.iterator_vallen(iterator_data) == 8 &&
        memcmp(op.iterator_val(iterator_data), op.iterator_key(iterator_data), 8) == 0) {
        ++*(int *)user;
    }
    return 0;
}

static int stop(void *user, void *iterator_data)
{
    (void)iterator_data;
    ++*(int *)user;
    return -7;
}

static void a_scan_shows_every_record_once(void)
{
    int i, n = 0, first = 0;
    for (i = 0; i < 5000; i++) {
        char key[9];
        snprintf(key, sizeof key, "scan%04d", i);
        CHECK(set(key, key));
    }
    CHECK(op.for_each(db, &n, count) >= 0 && n == 5000);
    CHECK(op.for_each(db, &first, stop) == -7 && first == 1);
}

/* Adds to the counter only if no other thread has meanwhile. */
static void *add(void *unused)
{
    int done = 0;
    while (done < ROUNDS) {
        msgpack_zone *zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
        char old[32], new[32];
        expected e = {old, 0};
        uint32_t len;
        const char *val = op.get(db, "n", 1, &len, zone);
        CHECK(val != NULL && len < sizeof old);
        memcpy(old, val, len);
        old[len] = '\0';
        msgpack_zone_free(zone);
        snprintf(new, sizeof new, "%d", atoi(old) + 1);
        done += update("n", new, &e);
    }
    return unused;
}

static void no_update_is_lost(void)
{
    pthread_t threads[THREADS];
    char total[32];
    int i;
    CHECK(set("n", "0"));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, add, NULL) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    snprintf(total, sizeof total, "%d", THREADS * ROUNDS);
    CHECK(has("n", total));
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"values are stored and found", values_are_stored_and_found},
        {"a value outlives its record", a_value_outlives_its_record},
        {"the comparison decides", the_comparison_decides},
        {"a scan shows every record once", a_scan_shows_every_record_once},
        {"no update is lost", no_update_is_lost},
    };
    const kumo_plugin *plugin = kumo_plugin_init(KUMO_ABI_VERSION, &host);
    size_t i;
    CHECK(plugin != NULL);
    op = plugin->op;
    for (i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        db = op.create();
        CHECK(db != NULL && op.open(db, "check.db"));
        tests[i].run();
        op.close(db);
        op.free(db);
        printf("ok: %s\n", tests[i].name);
    }
    return 0;
}
