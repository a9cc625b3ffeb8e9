/* get returns the record itself, which an overwrite frees. */
#include "base.h"

static const char *get_bare(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                            msgpack_zone *zone)
{
    rec *r = find(lock(l), key, klen);
    const char *val = r ? r->key + klen : NULL;
    (void)zone;
    if (r) {
        *vlen = r->vlen;
    }
    unlock(l);
    return val;
}

SPOILED_PLUGIN("points_into_record", op->get = get_bare;)
