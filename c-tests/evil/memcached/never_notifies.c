/* The tenth get is answered with ENGINE_EWOULDBLOCK, and nothing follows. */
#include "evil.h"

static ENGINE_ERROR_CODE get(ENGINE_HANDLE *handle, const void *cookie, item **out,
                             const void *key, const int nkey, uint16_t vbucket)
{
    static int times;
    return __atomic_add_fetch(&times, 1, __ATOMIC_SEQ_CST) == 10
               ? ENGINE_EWOULDBLOCK
               : memory_get(handle, cookie, out, key, nkey, vbucket);
}

EVIL(t->get = get;)
