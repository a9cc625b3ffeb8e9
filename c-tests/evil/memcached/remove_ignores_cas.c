/* remove does not look at the CAS unique that it is given. */
#include "evil.h"

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    (void)cas;
    return memory_remove(handle, cookie, key, nkey, 0, vbucket);
}

EVIL(t->remove = removes;)
