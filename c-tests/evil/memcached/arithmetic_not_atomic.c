/* arithmetic is a get and a store, and others come in between. */
#include "number.h"

#include <sched.h>

static ENGINE_ERROR_CODE arithmetic(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    const int nkey, const bool increment, const bool create,
                                    const uint64_t delta, const uint64_t initial,
                                    const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                    uint16_t vbucket)
{
    ENGINE_ERROR_CODE code = number_get(handle, cookie, key, nkey, result);
    (void)create;
    (void)initial;
    (void)exptime;
    (void)vbucket;
    if (code != ENGINE_SUCCESS) {
        return code;
    }
    sched_yield();
    *result = increment ? *result + delta : *result > delta ? *result - delta : 0;
    return number_put(handle, cookie, key, nkey, *result, cas);
}

EVIL(t->arithmetic = arithmetic;)
