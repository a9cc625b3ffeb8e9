/* engine_test's tests of the engines in engines/: that they are what their comments say. */
#define _POSIX_C_SOURCE 200809L

#include "engine_host.h"

#include <time.h>

#define KEY(text) text, sizeof(text) - 1

static void pause_ms(long ms)
{
    struct timespec time;
    time.tv_sec = ms / 1000;
    time.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&time, NULL);
}

/* A value comes and goes; every call blocks so often. */
static void round_trip(client *c, const char *key, int blocks)
{
    size_t nkey = strlen(key);
    int allocates = strncmp(key, "alloc", 5) == 0 ? 1 : 0;
    found f;
    CHECK(do_store(c, OPERATION_SET, key, nkey, KEY("value"), 7, 0, NULL) == ENGINE_SUCCESS);
    CHECK(client_blocked(c) == blocks + allocates);
    CHECK(do_get(c, key, nkey, &f) == ENGINE_SUCCESS);
    CHECK(client_blocked(c) == blocks);
    CHECK(f.n == 5 && memcmp(f.value, "value", 5) == 0 && f.flags == 7);
    CHECK(do_remove(c, key, nkey, 0) == ENGINE_SUCCESS && client_blocked(c) == blocks);
    CHECK(do_get(c, key, nkey, &f) != ENGINE_SUCCESS && client_blocked(c) == blocks);
}

static void test_bare(client *c)
{
    found f;
    uint64_t cas = 17;
    round_trip(c, "key", 0);
    CHECK(do_get(c, KEY("key"), &f) == ENGINE_NOT_STORED);
    CHECK(do_store(c, OPERATION_ADD, KEY("key"), KEY("1"), 0, 0, &cas) == ENGINE_SUCCESS);
    CHECK(cas == 0 && do_get(c, KEY("key"), &f) == ENGINE_SUCCESS && f.cas == 0);
    CHECK(do_store(c, OPERATION_ADD, KEY("key"), KEY("1"), 0, 0, NULL) == ENGINE_NOT_STORED);
    CHECK(engine->arithmetic == NULL && engine->unknown_command == NULL);
}

static void test_blocks(client *c)
{
    client *leaves = client_new();
    item *it;
    found f;
    round_trip(c, "plain", 0);
    round_trip(c, "early", 1);
    round_trip(c, "late", 1);
    round_trip(c, "any", 1);
    round_trip(c, "twice", 2);
    round_trip(c, "alloc", 1);
    CHECK(do_get(c, KEY("missing"), &f) == ENGINE_KEY_ENOENT && client_blocked(c) == 1);
    CHECK(do_get(c, KEY("tmpfail"), &f) == ENGINE_TMPFAIL && client_blocked(c) == 1);
    CHECK(do_store(c, OPERATION_SET, KEY("tmpfail"), KEY("v"), 0, 0, NULL) == ENGINE_TMPFAIL);
    CHECK(do_get(c, KEY("early"), &f) == ENGINE_KEY_ENOENT);
    /* Clients go away before the notification, and between it and the second call. */
    CHECK(engine->get((ENGINE_HANDLE *)engine, leaves, &it, KEY("late"), 0) == ENGINE_EWOULDBLOCK);
    client_gone(leaves);
    leaves = client_new();
    CHECK(engine->get((ENGINE_HANDLE *)engine, leaves, &it, KEY("early"), 0) ==
          ENGINE_EWOULDBLOCK);
    client_gone(leaves);
    while (do_stat(c, "lost") != 2) {
        pause_ms(10);
    }
    CHECK(do_stat(c, "blocked") > 0 && do_stat(c, "again") > 0);
}

static void test_blocks_more(client *c)
{
    static const char *const keys[] = {"early", "late", "any", "twice"};
    size_t i;
    for (i = 0; i < 4; i++) {
        const char *key = keys[i];
        size_t nkey = strlen(key);
        uint64_t n = 7;
        found f;
        CHECK(do_arithmetic(c, key, nkey, true, true, 2, &n) == ENGINE_SUCCESS && n == 7);
        CHECK(do_arithmetic(c, key, nkey, true, true, 2, &n) == ENGINE_SUCCESS && n == 9);
        CHECK(do_touch(c, PROTOCOL_BINARY_CMD_TOUCH, key, nkey, 100, &f) == 0);
        CHECK(do_touch(c, PROTOCOL_BINARY_CMD_GAT, key, nkey, 100, &f) == 0);
        CHECK(f.n == 1 && *f.value == '9');
        CHECK(do_remove(c, key, nkey, 0) == ENGINE_SUCCESS);
        CHECK(do_touch(c, PROTOCOL_BINARY_CMD_GAT, key, nkey, 100, &f) == 1);
    }
    CHECK(do_stat(c, "blocked") == 4 * 6 + 6 && do_stat(c, "again") == 4 * 6);
    test_blocks(c);
}

static void test_percookie(client *c)
{
    client *leaves = client_new();
    item *it;
    round_trip(c, "key", 0);
    CHECK(do_stat(c, "requests") == 4 && do_stat(leaves, "requests") == 0);
    CHECK(do_stat(c, "connected") == 2 && do_stat(c, "has_user") == 0);
    CHECK(engine->get((ENGINE_HANDLE *)engine, leaves, &it, KEY("stuck"), 0) ==
          ENGINE_EWOULDBLOCK);
    client_gone(leaves);
    while (do_stat(c, "released") != 1) {
        pause_ms(10);
    }
    CHECK(do_stat(c, "connects") == 2 && do_stat(c, "disconnects") == 1);
}

/* What the engine has recorded is this, whole. */
static void recorded(const char *path, const char *expected)
{
    char text[256] = "";
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    CHECK(strcmp(text, expected) == 0);
}

void test_other(const char *library, const char *directory)
{
    char record[1000];
    const char *slash = strrchr(library, '/'), *name = slash == NULL ? library : slash + 1;
    ENGINE_ERROR_CODE code;
    client *c;
    snprintf(record, sizeof record, "%s/record", directory);
    CHECK(setenv("KUMO_TEST_RECORD", record, 1) == 0);
    code = host_start(library, NULL);
    if (strcmp(name, "newer.so") == 0 || strcmp(name, "enotsup.so") == 0) {
        CHECK(code == ENGINE_ENOTSUP);
        recorded(record, *name == 'n' ? "newer: destroy\n" : "");
        return;
    }
    if (strcmp(name, "initfails.so") == 0) {
        CHECK(code == ENGINE_FAILED);
        CHECK(host_start(library, "enomem") == ENGINE_ENOMEM);
        recorded(record, "initfails: initialize\ninitfails: destroy\n"
                         "initfails: initialize\ninitfails: destroy\n");
        return;
    }
    CHECK(code == ENGINE_SUCCESS && engine->get_info((ENGINE_HANDLE *)engine) != NULL);
    c = client_new();
    if (strcmp(name, "bare.so") == 0) {
        test_bare(c);
    } else if (strcmp(name, "blocks.so") == 0) {
        test_blocks(c);
    } else if (strcmp(name, "blocks_more.so") == 0) {
        test_blocks_more(c);
    } else if (strcmp(name, "percookie.so") == 0) {
        test_percookie(c);
    } else if (strcmp(name, "logs.so") == 0) {
        CHECK(host_logged == 4);
        CHECK(do_store(c, OPERATION_SET, KEY("level"), KEY("1"), 0, 0, NULL) == ENGINE_SUCCESS);
        CHECK(host_api()->log->get_level() == EXTENSION_LOG_DEBUG && host_logged == 4);
    } else {
        round_trip(c, "key", 0);
    }
    client_gone(c);
    host_stop();
    recorded(record, strcmp(name, "logs.so") == 0
                         ? "logs: own logger: warning: the level is 1\n"
                         : "");
}
