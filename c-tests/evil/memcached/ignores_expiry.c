/* Nothing ever expires. */
#include "evil.h"

static ENGINE_ERROR_CODE allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    (void)exptime;
    return memory_allocate(handle, cookie, out, key, nkey, nbytes, flags, 0);
}

EVIL(t->allocate = allocate;)
