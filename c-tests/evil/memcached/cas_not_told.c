/* store sets another CAS unique than the item has. */
#include "evil.h"

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = memory_store(handle, cookie, it, cas, op, vbucket);
    *cas += 1;
    return code;
}

EVIL(t->store = store;)
