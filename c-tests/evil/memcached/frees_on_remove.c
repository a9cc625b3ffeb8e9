/* An item is freed when its key is removed, whoever has it. */
#include "evil.h"

static ENGINE_ERROR_CODE removes(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                 const size_t nkey, uint64_t cas, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    entry **place;
    pthread_mutex_lock(&m->lock);
    place = memory_place(m, key, nkey);
    if (*place != NULL) {
        (*place)->refs = 1;
    }
    pthread_mutex_unlock(&m->lock);
    return memory_remove(handle, cookie, key, nkey, cas, vbucket);
}

EVIL(t->remove = removes;)
