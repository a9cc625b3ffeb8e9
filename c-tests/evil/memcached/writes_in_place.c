/* A value of the same length is written over the old one, under whoever reads it. */
#include "evil.h"

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    entry *e = it, *old;
    bool there;
    pthread_mutex_lock(&m->lock);
    old = memory_live(m, e->bytes, e->nkey);
    there = op == OPERATION_SET && old != NULL && old->nbytes >= e->nbytes;
    if (there) {
        old->nbytes = e->nbytes;
        memcpy(old->bytes + old->nkey, e->bytes + e->nkey, e->nbytes);
        *cas = old->cas = ++m->cas;
    }
    pthread_mutex_unlock(&m->lock);
    return there ? ENGINE_SUCCESS : memory_store(handle, cookie, it, cas, op, vbucket);
}

EVIL(t->store = store;)
