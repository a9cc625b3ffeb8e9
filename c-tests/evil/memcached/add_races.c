/* add looks first and stores then, and others come in between. */
#define _POSIX_C_SOURCE 200809L

#include "evil.h"

#include <time.h>

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    if (op == OPERATION_ADD) {
        const struct timespec while_others_add = {0, 500 * 1000};
        entry *e = it;
        bool there;
        pthread_mutex_lock(&m->lock);
        there = memory_live(m, e->bytes, e->nkey) != NULL;
        pthread_mutex_unlock(&m->lock);
        if (there) {
            return ENGINE_NOT_STORED;
        }
        nanosleep(&while_others_add, NULL);
        op = OPERATION_SET;
    }
    return memory_store(handle, cookie, it, cas, op, vbucket);
}

EVIL(t->store = store;)
