/* A CAS unique is not compared: whoever comes last wins. */
#include "evil.h"

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    if (op == OPERATION_CAS) {
        ((entry *)it)->cas = 0;
        op = OPERATION_REPLACE;
    }
    return memory_store(handle, cookie, it, cas, op, vbucket);
}

EVIL(t->store = store;)
