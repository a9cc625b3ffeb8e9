/* A key is taken for a C string. */
#include "evil.h"

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    if (strlen(key) < (size_t)nkey) {
        return ENGINE_KEY_ENOENT;
    }
    return memory_get(handle, cookie, out, key, nkey, vbucket);
}

EVIL(t->get = get;)
