/* engine_test's tests of fs_engine against what is hard: odd keys, threads, kill -9. */
#define _POSIX_C_SOURCE 200809L

#include "engine_fs.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- the directory ---- */

static const char *the_library, *the_directory;

void fs_use(const char *library, const char *directory)
{
    the_library = library;
    the_directory = directory;
}

const char *fs_path(const char *name)
{
    static char path[1000];
    snprintf(path, sizeof path, "%s/data%s%s", the_directory, *name == '\0' ? "" : "/", name);
    return path;
}

void fs_start(bool sync)
{
    char config[1100];
    snprintf(config, sizeof config, "dir=%s;sync=%s", fs_path(""), sync ? "on" : "off");
    CHECK(host_start(the_library, config) == ENGINE_SUCCESS);
}

void fs_restart(void)
{
    host_stop();
    fs_start(false);
}

long fs_read_file(const char *name, char *bytes, size_t n)
{
    FILE *file = fopen(fs_path(name), "rb");
    long got = -1;
    if (file != NULL) {
        got = (long)fread(bytes, 1, n, file);
        fclose(file);
    }
    return got;
}

void fs_write_file(const char *name, const char *bytes, size_t n)
{
    FILE *file = fopen(fs_path(name), "wb");
    CHECK(file != NULL && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
}

static int entries(const char *path, const char *end)
{
    const struct dirent *entry;
    DIR *dir = opendir(path);
    int n = 0;
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
             length >= strlen(end) && strcmp(entry->d_name + length - strlen(end), end) == 0;
    }
    closedir(dir);
    return n;
}

int fs_leftovers(void)
{
    return entries(fs_path(".fs_engine"), ".tmp");
}

/* ---- names ---- */

#define MANY 640

/* The key of a number: all the odd ones, then runs of one byte of every length. */
static size_t odd_key(int i, char *key)
{
    static const struct {
        const char *text;
        size_t n;
    } odd[] = {{KEY("/")},        {KEY(".")},       {KEY("..")},          {KEY("...")},
               {KEY("../escape")}, {KEY("a/b")},    {KEY("a")},           {KEY("%")},
               {KEY("%2F")},      {KEY("%2f")},     {KEY("+")},           {KEY("a+")},
               {KEY(".fs_engine")}, {KEY("\0")},    {KEY("\0\0")},        {KEY("a\0")},
               {KEY("a\0b")},     {KEY("\n")},      {KEY(" ")},           {KEY("\xff\xfe")},
               {KEY(".fs_engine/lock")}, {KEY("/etc/passwd")}, {KEY("-rf")}, {KEY("A")}};
    static const char bytes[] = {'a', '.', '/', '\0', (char)0xff};
    size_t n;
    if (i < (int)(sizeof odd / sizeof *odd)) {
        memcpy(key, odd[i].text, odd[i].n);
        return odd[i].n;
    }
    i -= (int)(sizeof odd / sizeof *odd);
    /* The shortest runs are among the odd ones. */
    n = (size_t)(i / 5) * 2 + 4;
    memset(key, bytes[i % 5], n);
    return n;
}

void test_names(client *c)
{
    char key[256], value[16];
    found f;
    int round, i;
    long long before = do_stat(c, "curr_items");
    for (i = 0; i < MANY; i++) {
        size_t nkey = odd_key(i, key);
        int n = snprintf(value, sizeof value, "%d", i);
        CHECK(do_store(c, OPERATION_ADD, key, nkey, value, (size_t)n, 0, 0, NULL) ==
              ENGINE_SUCCESS);
    }
    for (round = 0; round < 2; round++) {
        for (i = 0; i < MANY; i++) {
            size_t nkey = odd_key(i, key);
            CHECK(do_get(c, key, nkey, &f) == ENGINE_SUCCESS && atoi(f.value) == i);
        }
        CHECK(do_stat(c, "curr_items") == before + MANY);
        fs_restart();
    }
    CHECK(entries(the_directory, "") == 1); /* data, and nothing that has left it */
    memset(key, 'a', 251);
    CHECK(do_get(c, key, 251, &f) == ENGINE_KEY_ENOENT);
    for (i = 0; i < MANY; i++) {
        size_t nkey = odd_key(i, key);
        CHECK(do_remove(c, key, nkey, 0) == ENGINE_SUCCESS);
    }
    CHECK(do_stat(c, "curr_items") == before);
    fs_restart(); /* which removes what long names have left */
    CHECK(entries(fs_path(""), "+") == 0);
}

/* ---- threads ---- */

#define THREADS 4
#define TURNS 200

static void *turns(void *arg)
{
    client *c = client_new();
    const int me = *(const int *)arg;
    int i;
    for (i = 0; i < TURNS; i++) {
        char key[8], value[1000];
        uint64_t n = 0, cas;
        found f;
        int nkey = snprintf(key, sizeof key, "s%d", i % 7);
        ENGINE_ERROR_CODE code;
        CHECK(do_arithmetic(c, KEY("sum"), true, true, 1, &n) == ENGINE_SUCCESS);
        do { /* the same again, by CAS */
            uint64_t number;
            code = do_get(c, KEY("cas"), &f);
            CHECK(code == ENGINE_SUCCESS);
            number = strtoull(f.value, NULL, 10) + 1;
            cas = f.cas;
            snprintf(value, sizeof value, "%llu", (unsigned long long)number);
            code = do_store(c, OPERATION_CAS, KEY("cas"), value, strlen(value), 0, 0, &cas);
            CHECK(code == ENGINE_SUCCESS || code == ENGINE_KEY_EEXISTS);
        } while (code != ENGINE_SUCCESS);
        memset(value, 'a' + me, sizeof value);
        switch ((i + me) % 5) {
        case 0:
            do_remove(c, key, (size_t)nkey, 0);
            break;
        case 1:
            do_store(c, OPERATION_ADD, key, (size_t)nkey, value, sizeof value, 0, 0, NULL);
            break;
        case 2:
            do_touch(c, PROTOCOL_BINARY_CMD_GAT, key, (size_t)nkey, 1000, &f);
            break;
        case 3:
            CHECK(do_store(c, OPERATION_SET, key, (size_t)nkey, value, (size_t)i, 0, 0, NULL) ==
                  ENGINE_SUCCESS);
            break;
        default:
            if (do_get(c, key, (size_t)nkey, &f) == ENGINE_SUCCESS && f.n > 0) {
                CHECK(f.value[0] == f.value[f.n - 1]); /* from one writer, and whole */
            }
        }
        if (i % 100 == 50) {
            do_stat(c, "curr_items");
        }
    }
    client_gone(c);
    return NULL;
}

void test_threads(client *c)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], i;
    long long items, bytes;
    found f;
    CHECK(do_store(c, OPERATION_SET, KEY("cas"), KEY("0"), 0, 0, NULL) == ENGINE_SUCCESS);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, turns, &numbers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(do_get(c, KEY("cas"), &f) == ENGINE_SUCCESS && atoi(f.value) == THREADS * TURNS);
    /* The first one made it, with 0. */
    CHECK(do_get(c, KEY("sum"), &f) == ENGINE_SUCCESS && atoi(f.value) == THREADS * TURNS - 1);
    items = do_stat(c, "curr_items");
    bytes = do_stat(c, "bytes");
    fs_restart();
    CHECK(do_stat(c, "curr_items") == items && do_stat(c, "bytes") == bytes);
}

/* ---- kill -9 ---- */

static void write_for_ever(int begun)
{
    client *c;
    char *value = malloc(100000);
    unsigned i;
    CHECK(value != NULL);
    fs_start(false);
    c = client_new();
    for (i = 0;; i++) {
        char key[8];
        int nkey = snprintf(key, sizeof key, "k%u", i % 5);
        memset(value, 'a' + (int)(i % 26), 100000);
        CHECK(do_store(c, OPERATION_SET, key, (size_t)nkey, value, 1000 + i * 7919 % 99000, 0, 0,
                       NULL) == ENGINE_SUCCESS);
        if (i == 10) {
            CHECK(write(begun, "", 1) == 1);
        }
    }
}

void test_kill(void)
{
    int round;
    for (round = 0; round < 5; round++) {
        const struct timespec delay = {0, (3 + 7 * round) * 1000000L};
        client *c;
        char key[8];
        found f;
        int i, status, begun[2];
        pid_t child;
        CHECK(pipe(begun) == 0);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            write_for_ever(begun[1]);
        }
        CHECK(read(begun[0], key, 1) == 1 && close(begun[0]) == 0 && close(begun[1]) == 0);
        nanosleep(&delay, NULL);
        CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        fs_start(false);
        c = client_new();
        for (i = 0; i < 5; i++) {
            int nkey = snprintf(key, sizeof key, "k%d", i);
            size_t at;
            CHECK(do_get(c, key, (size_t)nkey, &f) == ENGINE_SUCCESS && f.n >= 1000);
            for (at = 1; at < f.n; at++) {
                CHECK(f.value[at] == f.value[0]);
            }
        }
        CHECK(do_stat(c, "fs_damaged") == 0 && fs_leftovers() == 0);
        CHECK(do_stat(c, "curr_items") == 5);
        if (round == 4) {
            CHECK(engine->flush((ENGINE_HANDLE *)engine, c, 0) == ENGINE_SUCCESS);
        }
        client_gone(c);
        host_stop();
    }
}
