/* replace makes what is absent. */
#include "evil.h"

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    return memory_store(handle, cookie, it, cas, op == OPERATION_REPLACE ? OPERATION_SET : op,
                        vbucket);
}

EVIL(t->store = store;)
