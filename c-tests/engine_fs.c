/* engine_test's tests of fs_engine: what its commands mean, and what its files hold. */
#define _POSIX_C_SOURCE 200809L

#include "engine_fs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SET(key, value)                                                                            \
    CHECK(do_store(c, OPERATION_SET, KEY(key), KEY(value), 0, 0, NULL) == ENGINE_SUCCESS)
#define IS(key, text)                                                                              \
    CHECK(do_get(c, KEY(key), &f) == ENGINE_SUCCESS && f.n == sizeof(text) - 1 &&                  \
          memcmp(f.value, text, f.n) == 0)
#define MISS(key) CHECK(do_get(c, KEY(key), &f) == ENGINE_KEY_ENOENT)

static void test_files(client *c)
{
    char bytes[128];
    found f;
    CHECK(do_store(c, OPERATION_ADD, KEY("test"), KEY("test"), 0, 0, NULL) == ENGINE_SUCCESS);
    CHECK(do_store(c, OPERATION_ADD, KEY("test"), KEY("more"), 0, 0, NULL) == ENGINE_NOT_STORED);
    CHECK(fs_read_file("test", bytes, sizeof bytes) == 4 + TRAILER);
    CHECK(memcmp(bytes, "test\nfs_engine/1 00000000 0000000000000000 ", 43) == 0);
    IS("test", "test");
    SET("empty", "");
    IS("empty", "");
    CHECK(do_stat(c, "curr_items") == 2 && do_stat(c, "bytes") == 4);
    CHECK(do_remove(c, KEY("empty"), 0) == ENGINE_SUCCESS);

    /* What the engine has not written stays. */
    fs_write_file("README", "mine", 4);
    memset(bytes, '.', sizeof bytes); /* as long as an item, and none */
    fs_write_file("long", bytes, sizeof bytes);
    CHECK(mkdir(fs_path("sub"), 0777) == 0 && mkfifo(fs_path("pipe"), 0666) == 0);
    MISS("README");
    MISS("long");
    MISS("sub");
    MISS("pipe");
    CHECK(do_store(c, OPERATION_SET, KEY("README"), KEY("x"), 0, 0, NULL) == ENGINE_EACCESS);
    CHECK(do_store(c, OPERATION_SET, KEY("sub"), KEY("x"), 0, 0, NULL) == ENGINE_EACCESS);
    CHECK(do_remove(c, KEY("README"), 0) == ENGINE_KEY_ENOENT);
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_TOUCH, KEY("README"), 0, &f) == 1);

    /* What is damaged is a miss, until it is set. */
    SET("bad", "value");
    CHECK(fs_read_file("bad", bytes, sizeof bytes) == 5 + TRAILER);
    bytes[0] ^= 1;
    fs_write_file("bad", bytes, 5 + TRAILER);
    MISS("bad");
    CHECK(do_stat(c, "fs_damaged") == 1);
    SET("bad", "again");
    IS("bad", "again");
    CHECK(do_stat(c, "curr_items") == 2);
    /* An empty file is what a loss of power leaves: it has nothing to lose. */
    fs_write_file("nothing", "", 0);
    MISS("nothing");
    SET("nothing", "some");
    IS("nothing", "some");
    CHECK(do_remove(c, KEY("nothing"), 0) == ENGINE_SUCCESS);

    CHECK(engine->flush((ENGINE_HANDLE *)engine, c, 0) == ENGINE_SUCCESS);
    CHECK(fs_read_file("README", bytes, sizeof bytes) == 4);
    CHECK(fs_read_file("test", bytes, sizeof bytes) == -1);
    CHECK(do_stat(c, "curr_items") == 0 && do_stat(c, "bytes") == 0);
}

static void test_stores(client *c)
{
    uint64_t cas = 0, old;
    found f;
    CHECK(do_store(c, OPERATION_REPLACE, KEY("k"), KEY("v"), 0, 0, NULL) == ENGINE_NOT_STORED);
    CHECK(do_store(c, OPERATION_APPEND, KEY("k"), KEY("v"), 0, 0, NULL) == ENGINE_NOT_STORED);
    CHECK(do_store(c, OPERATION_PREPEND, KEY("k"), KEY("v"), 0, 0, NULL) == ENGINE_NOT_STORED);
    cas = 1;
    CHECK(do_store(c, OPERATION_CAS, KEY("k"), KEY("v"), 0, 0, &cas) == ENGINE_KEY_ENOENT);
    cas = 0;
    CHECK(do_store(c, OPERATION_SET, KEY("k"), KEY("v"), 0xdeadbeef, 0, &cas) == ENGINE_SUCCESS);
    IS("k", "v");
    CHECK(cas != 0 && f.cas == cas && f.flags == 0xdeadbeef);
    old = cas;
    CHECK(do_store(c, OPERATION_CAS, KEY("k"), KEY("w"), 5, 0, &cas) == ENGINE_SUCCESS);
    CHECK(cas > old);
    CHECK(do_store(c, OPERATION_CAS, KEY("k"), KEY("x"), 5, 0, &old) == ENGINE_KEY_EEXISTS);
    CHECK(do_store(c, OPERATION_APPEND, KEY("k"), KEY(">"), 0, 0, NULL) == ENGINE_SUCCESS);
    CHECK(do_store(c, OPERATION_PREPEND, KEY("k"), KEY("<"), 0, 0, NULL) == ENGINE_SUCCESS);
    IS("k", "<w>");
    CHECK(f.flags == 5 && f.cas > cas);
    CHECK(do_remove(c, KEY("k"), cas) == ENGINE_KEY_EEXISTS);
    CHECK(do_remove(c, KEY("k"), f.cas) == ENGINE_SUCCESS);
    CHECK(do_remove(c, KEY("k"), 0) == ENGINE_KEY_ENOENT);
    MISS("k");
    CHECK(do_stat(c, "curr_items") == 0 && do_stat(c, "bytes") == 0);
}

static void test_arithmetic(client *c)
{
    uint64_t n = 0;
    found f;
    CHECK(do_arithmetic(c, KEY("n"), true, false, 1, &n) == ENGINE_KEY_ENOENT);
    n = 99;
    CHECK(do_arithmetic(c, KEY("n"), true, true, 1, &n) == ENGINE_SUCCESS && n == 99);
    CHECK(do_arithmetic(c, KEY("n"), true, false, 1, &n) == ENGINE_SUCCESS && n == 100);
    CHECK(do_arithmetic(c, KEY("n"), false, false, 1, &n) == ENGINE_SUCCESS && n == 99);
    IS("n", "99 ");
    CHECK(do_arithmetic(c, KEY("n"), false, false, 100, &n) == ENGINE_SUCCESS && n == 0);
    SET("n", "18446744073709551615");
    CHECK(do_arithmetic(c, KEY("n"), true, false, 2, &n) == ENGINE_SUCCESS && n == 1);
    SET("n", "18446744073709551616");
    CHECK(do_arithmetic(c, KEY("n"), true, false, 2, &n) == ENGINE_EINVAL);
    SET("n", "1x");
    CHECK(do_arithmetic(c, KEY("n"), true, false, 2, &n) == ENGINE_EINVAL);
    SET("n", "");
    CHECK(do_arithmetic(c, KEY("n"), true, false, 2, &n) == ENGINE_EINVAL);
    CHECK(do_remove(c, KEY("n"), 0) == ENGINE_SUCCESS);
}

static void test_expiry(client *c)
{
    found f;
    uint64_t cas;
    CHECK(do_store(c, OPERATION_SET, KEY("soon"), KEY("v"), 3, 10, NULL) == ENGINE_SUCCESS);
    CHECK(do_store(c, OPERATION_SET, KEY("past"), KEY("v"), 0, 2592001, NULL) == ENGINE_SUCCESS);
    MISS("past");
    IS("soon", "v");
    cas = f.cas;
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_TOUCH, KEY("soon"), 100, &f) == 0);
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_TOUCH, KEY("none"), 100, &f) == 1);
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_GATQ, KEY("none"), 100, &f) == -1);
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_GAT, KEY("none"), 100, &f) == 1);
    host_sleep(50);
    IS("soon", "v");
    CHECK(do_touch(c, PROTOCOL_BINARY_CMD_GAT, KEY("soon"), 100, &f) == 0);
    CHECK(f.n == 1 && *f.value == 'v' && f.flags == 3 && f.cas == cas);
    host_sleep(99);
    IS("soon", "v");
    host_sleep(2);
    MISS("soon");
    CHECK(do_store(c, OPERATION_ADD, KEY("soon"), KEY("v"), 0, 10, NULL) == ENGINE_SUCCESS);
    host_sleep(10);
    CHECK(do_stat(c, "curr_items") == 1); /* until somebody looks */
    CHECK(do_store(c, OPERATION_ADD, KEY("soon"), KEY("w"), 0, 0, NULL) == ENGINE_SUCCESS);
    CHECK(do_store(c, OPERATION_SET, KEY("late"), KEY("v"), 0, 10, NULL) == ENGINE_SUCCESS);
    host_sleep(10);
    fs_restart();
    IS("soon", "w");
    CHECK(do_stat(c, "curr_items") == 1 && do_stat(c, "fs_expired") == 1);
}

static void test_flush(client *c)
{
    ENGINE_HANDLE *handle = (ENGINE_HANDLE *)engine;
    found f;
    SET("a", "1");
    CHECK(engine->flush(handle, c, 100) == ENGINE_SUCCESS);
    SET("b", "1");
    IS("a", "1");
    host_sleep(101);
    SET("c", "1");
    MISS("a");
    MISS("b");
    IS("c", "1");
    CHECK(do_stat(c, "curr_items") == 1);
    /* It is kept over a restart, and so is that it has happened. */
    CHECK(engine->flush(handle, c, 100) == ENGINE_SUCCESS);
    fs_restart();
    IS("c", "1");
    host_sleep(101);
    fs_restart();
    MISS("c");
    SET("d", "1");
    fs_restart();
    IS("d", "1");
    CHECK(engine->flush((ENGINE_HANDLE *)engine, c, 0) == ENGINE_SUCCESS);
    MISS("d");
    CHECK(do_stat(c, "curr_items") == 0);
}

/* Not a full disk, but files that may not grow: the engine cannot tell. */
static void test_full(client *c)
{
    struct rlimit limit, old;
    char *big = calloc(1, 100000);
    found f;
    CHECK(big != NULL && getrlimit(RLIMIT_FSIZE, &old) == 0);
    SET("full", "old");
    signal(SIGXFSZ, SIG_IGN);
    limit = old;
    limit.rlim_cur = 50000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(do_store(c, OPERATION_SET, KEY("full"), big, 100000, 0, 0, NULL) == ENGINE_TMPFAIL);
    CHECK(do_store(c, OPERATION_APPEND, KEY("full"), big, 100000, 0, 0, NULL) == ENGINE_TMPFAIL);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    IS("full", "old");
    CHECK(fs_leftovers() == 0 && do_stat(c, "fs_failures") == 2);
    CHECK(do_store(c, OPERATION_SET, KEY("full"), big, 100000, 0, 0, NULL) == ENGINE_SUCCESS);
    CHECK(do_get(c, KEY("full"), &f) == ENGINE_SUCCESS && f.n == 100000);
    CHECK(do_remove(c, KEY("full"), 0) == ENGINE_SUCCESS);
    free(big);
}

static void test_life(const char *library)
{
    ENGINE_HANDLE *handle = NULL, *second = NULL;
    char config[1100];
    CREATE_INSTANCE create = host_create(library);
    CHECK(create(0, host_api, &handle) == ENGINE_ENOTSUP);
    CHECK(host_start(library, "dir") == ENGINE_EINVAL);
    CHECK(host_start(library, "dir=/nowhere/at/all") == ENGINE_FAILED);
    fs_start(true);
    CHECK(engine->get_info((ENGINE_HANDLE *)engine)->num_features == 2);
    /* The directory is taken. */
    snprintf(config, sizeof config, "dir=%s", fs_path(""));
    CHECK(create(1, host_api, &second) == ENGINE_SUCCESS);
    CHECK(((ENGINE_HANDLE_V1 *)second)->initialize(second, config) == ENGINE_FAILED);
    ((ENGINE_HANDLE_V1 *)second)->destroy(second, true);
}

void test_fs(const char *library, const char *directory)
{
    client *c;
    fs_use(library, directory);
    test_kill(); /* first: it forks, and there are no threads yet */
    test_life(library);
    c = client_new();
    test_files(c);
    test_stores(c);
    test_arithmetic(c);
    test_expiry(c);
    test_flush(c);
    test_full(c);
    test_names(c);
    test_threads(c);
    client_gone(c);
    host_stop();
}
