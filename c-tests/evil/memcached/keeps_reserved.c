/* A cookie is reserved in every get, and never released. */
#include "evil.h"

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    memory_of(handle)->server->cookie->reserve(cookie);
    return memory_get(handle, cookie, out, key, nkey, vbucket);
}

EVIL(t->get = get;)
