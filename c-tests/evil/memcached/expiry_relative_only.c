/* Every expiry counts from now, a UNIX time too. */
#include "evil.h"

static ENGINE_ERROR_CODE allocate(ENGINE_HANDLE *handle, const void *cookie, item **out,
                                  const void *key, const size_t nkey, const size_t nbytes,
                                  const int flags, const rel_time_t exptime)
{
    ENGINE_ERROR_CODE code = memory_allocate(handle, cookie, out, key, nkey, nbytes, flags, 0);
    if (code == ENGINE_SUCCESS && exptime != 0) {
        ((entry *)*out)->exptime =
            memory_of(handle)->server->core->get_current_time() + exptime;
    }
    return code;
}

EVIL(t->allocate = allocate;)
