/*
 * Classic, in C++: get throws. No exception may leave a function of the table, and a
 * host cannot trust anything after one did. It is also the table written as C++ does.
 */
#include <kumo_storage.h>
#include <compat/msgpack.h>

#include <stdexcept>

static int instance;

static void *kumo_throws_create() { return &instance; }
static void kumo_throws_free(void *) {}
static bool kumo_throws_open(void *, const char *) { return true; }
static void kumo_throws_close(void *) {}

static const char *kumo_throws_get(void *, const char *, uint32_t, uint32_t *, msgpack_zone *)
{
    throw std::runtime_error("caught by nobody");
}

static int32_t kumo_throws_get_header(void *, const char *, uint32_t, char *, uint32_t)
{
    return -1;
}

static bool kumo_throws_set(void *, const char *, uint32_t, const char *, uint32_t)
{
    return true;
}

static bool kumo_throws_del(void *, const char *, uint32_t, kumo_storage_casproc, void *)
{
    return false;
}

static bool kumo_throws_update(void *, const char *, uint32_t, const char *, uint32_t,
                               kumo_storage_casproc, void *)
{
    return true;
}

static uint64_t kumo_throws_rnum(void *) { return 0; }
static bool kumo_throws_backup(void *, const char *) { return false; }
static const char *kumo_throws_error(void *) { return "no error"; }
static int kumo_throws_for_each(void *, void *, int (*)(void *, void *)) { return 0; }
static const char *kumo_throws_iterator_bytes(void *) { return ""; }
static size_t kumo_throws_iterator_length(void *) { return 0; }
static const char *kumo_throws_iterator_release(void *, msgpack_zone *) { return nullptr; }
static bool kumo_throws_iterator_del(void *, kumo_storage_casproc, void *) { return false; }
static bool kumo_throws_iterator_del_force(void *) { return false; }

static kumo_storage_op kumo_throws_op = {
    kumo_throws_create,
    kumo_throws_free,
    kumo_throws_open,
    kumo_throws_close,
    kumo_throws_get,
    kumo_throws_get_header,
    kumo_throws_set,
    kumo_throws_del,
    kumo_throws_update,
    nullptr,
    kumo_throws_rnum,
    kumo_throws_backup,
    kumo_throws_error,
    kumo_throws_for_each,
    kumo_throws_iterator_bytes,
    kumo_throws_iterator_bytes,
    kumo_throws_iterator_length,
    kumo_throws_iterator_length,
    kumo_throws_iterator_release,
    kumo_throws_iterator_release,
    kumo_throws_iterator_del,
    kumo_throws_iterator_del_force,
};

kumo_storage_op kumo_storage_init(void)
{
    return kumo_throws_op;
}
