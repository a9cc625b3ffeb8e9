/* get of an absent key looks where there is nothing. */
#include "evil.h"

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = memory_get(handle, cookie, out, key, nkey, vbucket);
    if (code != ENGINE_SUCCESS) {
        *(volatile int *)NULL = 1;
    }
    return code;
}

EVIL(t->get = get;)
