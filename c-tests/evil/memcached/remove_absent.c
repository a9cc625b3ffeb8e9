/* remove of what is not there succeeds. */
#include "evil.h"

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = memory_remove(handle, cookie, key, nkey, cas, vbucket);
    return code == ENGINE_KEY_ENOENT ? ENGINE_SUCCESS : code;
}

EVIL(t->remove = removes;)
