/* A flush with a delay is made at once. */
#include "evil.h"

static ENGINE_ERROR_CODE flush(ENGINE_HANDLE *handle, const void *cookie, time_t when)
{
    (void)when;
    return memory_flush(handle, cookie, 0);
}

EVIL(t->flush = flush;)
