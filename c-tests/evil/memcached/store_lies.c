/* store with OPERATION_SET says that it is done, and does nothing. */
#include "evil.h"

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    if (op == OPERATION_SET) {
        *cas = 1;
        return ENGINE_SUCCESS;
    }
    return memory_store(handle, cookie, it, cas, op, vbucket);
}

EVIL(t->store = store;)
