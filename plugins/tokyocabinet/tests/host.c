/*
 * A host for the test of tchdb, which can make system calls fail.
 *
 *     test LIBRARY DIRECTORY operations|opening|faults|full|
 *                            write NAME|killed NAME|busy PATH|kumofs PATH
 *
 * Link it with -rdynamic: the functions below that write stand in for libc's, in the
 * plugin and in libtokyocabinet too.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>

kumo_plugin plugin;
kumo_storage_op op;
__thread int32_t error_code;
__thread char error_text[1024];
const char *program, *library, *directory;

static void host_set_error(int32_t code, const char *text)
{
    error_code = code;
    snprintf(error_text, sizeof error_text, "%s", text);
}

static void host_log(uint32_t level, const char *text)
{
    printf("[log %u: %s]\n", (unsigned)level, text);
}

static const kumo_host host = {.struct_size = sizeof host,
                               .abi_version = KUMO_ABI_VERSION,
                               .log = host_log,
                               .set_error = host_set_error};

/* ---- calls that fail ---- */

static long fail_at, fail_calls; /* atomic */
static int fail_err;
static bool fail_ever;

void fail_after(long n, int err, bool for_ever)
{
    fail_calls = 0;
    fail_at = n;
    fail_err = err;
    fail_ever = for_ever;
}

long calls_made(void)
{
    return fail_calls;
}

static bool fails(void)
{
    long call = __atomic_add_fetch(&fail_calls, 1, __ATOMIC_RELAXED);
    return fail_at > 0 && (call == fail_at || (fail_ever && call > fail_at));
}

#define OR_FAIL(call) (fails() ? (errno = fail_err, -1) : (call))

KUMO_EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
    return fd <= 2 ? syscall(SYS_write, fd, bytes, n) : OR_FAIL(syscall(SYS_write, fd, bytes, n));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at);
KUMO_EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    return OR_FAIL(syscall(SYS_pwrite64, fd, bytes, n, at));
}

int ftruncate64(int fd, off_t size);
KUMO_EXPORT int ftruncate64(int fd, off_t size)
{
    return (int)OR_FAIL(syscall(SYS_ftruncate, fd, size));
}

int fallocate64(int fd, int mode, off_t at, off_t n);
KUMO_EXPORT int fallocate64(int fd, int mode, off_t at, off_t n)
{
    return (int)OR_FAIL(syscall(SYS_fallocate, fd, mode, at, n));
}

int posix_fallocate64(int fd, off_t at, off_t n);
KUMO_EXPORT int posix_fallocate64(int fd, off_t at, off_t n)
{
    return OR_FAIL(syscall(SYS_fallocate, fd, 0, at, n)) == 0 ? 0 : errno;
}

KUMO_EXPORT int fsync(int fd)
{
    return (int)OR_FAIL(syscall(SYS_fsync, fd));
}

static off_t bad_from, bad_to; /* of any file */

void bad_sector(off_t from, off_t to)
{
    bad_from = from;
    bad_to = to;
}

KUMO_EXPORT ssize_t pread64(int fd, void *bytes, size_t n, off_t at)
{
    if (at < bad_to && at + (off_t)n > bad_from) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, bytes, n, at);
}

/* ---- what the tests do all the time ---- */

const char *path_of(const char *name)
{
    static char paths[4][PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return path;
}

void *open_at(const char *path)
{
    void *db = op.create();
    CHECK(db != NULL);
    error_code = 0;
    if (!op.open(db, path)) {
        op.free(db);
        return NULL;
    }
    return db;
}

void *open_new(const char *name)
{
    void *db = open_at(path_of(name));
    CHECK(db != NULL);
    return db;
}

void close_db(void *db)
{
    op.close(db);
    op.free(db);
}

bool refused(const char *path, int32_t code, const char *words)
{
    void *db = open_at(path);
    if (db != NULL) {
        close_db(db);
        return false;
    }
    if (error_code != code || strstr(error_text, words) == NULL) {
        printf("it says %d: %s\n", (int)error_code, error_text);
        return false;
    }
    return true;
}

bool set(void *db, const char *key, const char *val)
{
    return op.set(db, key, (uint32_t)strlen(key), val, (uint32_t)strlen(val));
}

bool has_bytes(void *db, const char *key, size_t keylen, const char *val, size_t vallen)
{
    msgpack_zone zone;
    uint32_t len = 12345;
    const char *found;
    bool good;
    memset(&zone, 0, sizeof zone);
    zone.chunk_size = MSGPACK_ZONE_CHUNK_SIZE;
    error_code = 0;
    found = op.get(db, key, (uint32_t)keylen, &len, &zone);
    good = val == NULL ? found == NULL && error_code == 0
                       : found != NULL && len == vallen && memcmp(found, val, vallen) == 0;
    msgpack_zone_destroy(&zone);
    return good;
}

bool has(void *db, const char *key, const char *val)
{
    return has_bytes(db, key, strlen(key), val, val == NULL ? 0 : strlen(val));
}

bool always(void *casdata, const char *oldval, size_t oldvallen)
{
    (void)casdata;
    (void)oldval;
    (void)oldvallen;
    return true;
}

bool del(void *db, const char *key)
{
    return op.del(db, key, (uint32_t)strlen(key), always, NULL);
}

static int visit_one(void *user, void *it)
{
    (void)it;
    ++*(long *)user;
    return 0;
}

long count(void *db)
{
    long n = 0;
    return op.for_each(db, &n, visit_one) < 0 ? -1 : n;
}

static void print_fault(void *user, const char *text)
{
    (void)user;
    printf("[fault: %s]\n", text);
}

int64_t verify(void *db)
{
    return plugin.verify(db, print_fault, NULL);
}

/* ---- */

static void load(void)
{
    const kumo_plugin *(*init)(uint32_t, const kumo_host *);
    const kumo_plugin *described;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL), *symbol;
    if (handle == NULL || (symbol = dlsym(handle, "kumo_plugin_init")) == NULL) {
        printf("FAILED: %s\n", dlerror());
        exit(1);
    }
    memcpy(&init, &symbol, sizeof symbol);
    described = init(KUMO_ABI_VERSION, &host);
    CHECK(described != NULL && described->struct_size == sizeof plugin);
    plugin = *described;
    op = plugin.op;
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[3] : "", *name = argc > 4 ? argv[4] : "";
    if (argc < 4) {
        fprintf(stderr, "usage: test LIBRARY DIRECTORY WHAT [NAME]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    program = argv[0];
    library = argv[1];
    directory = argv[2];
    load();
    if (strcmp(what, "operations") == 0) {
        test_operations();
    } else if (strcmp(what, "opening") == 0) {
        test_opening();
    } else if (strcmp(what, "faults") == 0) {
        test_failing_calls();
        test_bad_sectors();
    } else if (strcmp(what, "full") == 0) {
        test_full_disk();
    } else if (strcmp(what, "write") == 0) {
        write_for_ever(name);
    } else if (strcmp(what, "killed") == 0) {
        check_killed(name);
    } else if (strcmp(what, "busy") == 0) {
        return refused(name, KUMO_ERROR_BUSY, "in use by another process") ? 0 : 1;
    } else if (strcmp(what, "kumofs") == 0) {
        read_kumofs(name);
    } else {
        return 2;
    }
    printf("ok\n");
    return 0;
}
