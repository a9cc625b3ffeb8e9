/* flush does nothing. */
#include "evil.h"

static ENGINE_ERROR_CODE flush(ENGINE_HANDLE *handle, const void *cookie, time_t when)
{
    (void)handle;
    (void)cookie;
    (void)when;
    return ENGINE_SUCCESS;
}

EVIL(t->flush = flush;)
