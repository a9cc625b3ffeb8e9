/* A plugin that reads and writes a file through a mapping, which it registers with the host:
 * eight pages, whose numbers are the keys, and whose first bytes are the values. A byte 0 is
 * no value, but for what has been put in the place of a page that cannot be read. Build it with
 * cc -std=c99 -shared -fPIC -Iinclude -o libmapped.so c-tests/mapped.c */
#define _POSIX_C_SOURCE 200809L
#include <kumo_storage.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 8 };

typedef struct mapped {
    char *at;
    size_t page;
    uint32_t failed; /* set by the host, at any instant */
} mapped;

static const kumo_host *host;

static void *create(void)
{
    return calloc(1, sizeof(mapped));
}

static void destroy(void *data)
{
    free(data);
}

static bool fail(const char *text)
{
    host->set_error(KUMO_ERROR_IO, text);
    return false;
}

static bool open_(void *data, const char *path)
{
    mapped *m = data;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    m->page = (size_t)sysconf(_SC_PAGESIZE);
    if (fd < 0 || ftruncate(fd, (off_t)(PAGES * m->page)) != 0) {
        return fail("no file");
    }
    m->at = mmap(NULL, PAGES * m->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (m->at == MAP_FAILED) {
        return fail("no mapping");
    }
    if (host->struct_size < offsetof(kumo_host, unregister_mapping) + sizeof(void *)) {
        munmap(m->at, PAGES * m->page);
        return fail("the host is too old");
    }
    if (!host->register_mapping(m->at, PAGES * m->page, &m->failed)) {
        munmap(m->at, PAGES * m->page);
        return fail("no room for the mapping");
    }
    return true;
}

static void close_(void *data)
{
    mapped *m = data;
    host->unregister_mapping(m->at);
    munmap(m->at, PAGES * m->page);
}

static bool has_failed(mapped *m)
{
    return __atomic_load_n(&m->failed, __ATOMIC_SEQ_CST) != 0;
}

/* The page of a key; NULL: there is none. */
static volatile char *page(mapped *m, const char *key, uint32_t keylen)
{
    bool fits = keylen == 1 && *key >= '0' && *key < '0' + PAGES;
    return fits ? m->at + (size_t)(*key - '0') * m->page : NULL;
}

static const char *get(void *data, const char *key, uint32_t keylen, uint32_t *vallen,
                       struct msgpack_zone *zone)
{
    volatile char *at = page(data, key, keylen);
    char value = at ? *at : 0, *copy;
    if (value == 0) {
        if (at && has_failed(data)) {
            fail("the page cannot be read");
        }
        return NULL;
    }
    copy = host->zone_malloc(zone, 1);
    if (!copy) {
        fail("no memory");
        return NULL;
    }
    *copy = value;
    *vallen = 1;
    return copy;
}

static bool set(void *data, const char *key, uint32_t keylen, const char *val, uint32_t vallen)
{
    volatile char *at = page(data, key, keylen);
    if (!at || vallen != 1) {
        return fail("no such page, or not one byte");
    }
    *at = *val;
    return !has_failed(data) || fail("it may not reach the file");
}

static bool del(void *data, const char *key, uint32_t keylen, kumo_storage_casproc proc, void *arg)
{
    (void)data, (void)key, (void)keylen, (void)proc, (void)arg;
    return fail("no deletes");
}

static bool update(void *data, const char *key, uint32_t keylen, const char *val, uint32_t vallen,
                   kumo_storage_casproc proc, void *arg)
{
    (void)proc, (void)arg;
    return set(data, key, keylen, val, vallen);
}

static int for_each(void *data, void *user, kumo_storage_visit visit)
{
    (void)data, (void)user, (void)visit;
    return 0;
}

static const char *text(void *record)
{
    return record;
}

static size_t length(void *record)
{
    (void)record;
    return 0;
}

static const kumo_plugin plugin = {
    .struct_size = sizeof(kumo_plugin),
    .abi_version = KUMO_ABI_VERSION,
    .name = "mapped",
    .version = "1",
    .description = "eight pages of a file",
    .op = {.create = create, .free = destroy, .open = open_, .close = close_, .get = get,
           .set = set, .del = del, .update = update, .for_each = for_each, .iterator_key = text,
           .iterator_val = text, .iterator_keylen = length, .iterator_vallen = length},
};

KUMO_EXPORT const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *h)
{
    host = h;
    return host_abi ? &plugin : NULL;
}
