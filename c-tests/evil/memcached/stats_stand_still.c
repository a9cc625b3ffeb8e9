/* curr_items does not go down. */
#include "evil.h"

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    ENGINE_ERROR_CODE code = memory_remove(handle, cookie, key, nkey, cas, vbucket);
    if (code == ENGINE_SUCCESS) {
        pthread_mutex_lock(&m->lock);
        m->count++;
        pthread_mutex_unlock(&m->lock);
    }
    return code;
}

EVIL(t->remove = removes;)
