/* A key ends at its first NUL. */
#include "evil.h"

static size_t length(const void *key, size_t nkey)
{
    const char *nul = memchr(key, 0, nkey);
    return nul == NULL || nul == key ? nkey : (size_t)(nul - (const char *)key);
}

static ENGINE_ERROR_CODE allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    return memory_allocate(handle, cookie, out, key, length(key, nkey), nbytes, flags, exptime);
}

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    return memory_get(handle, cookie, out, key, (int)length(key, (size_t)nkey), vbucket);
}

EVIL(t->allocate = allocate; t->get = get;)
