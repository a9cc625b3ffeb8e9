/* get copies a value, and nobody ever frees it: it leaks. */
#include "base.h"

static const char *get_leaks(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                             msgpack_zone *zone)
{
    rec *r = find(lock(l), key, klen);
    char *copied = r ? malloc(r->vlen + 1) : NULL;
    (void)zone;
    if (copied) {
        memcpy(copied, r->key + klen, *vlen = r->vlen);
    }
    unlock(l);
    return copied;
}

SPOILED_PLUGIN("forgets_finalizers", op->get = get_leaks;)
