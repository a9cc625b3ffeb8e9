/* get returns one and the same buffer every time. */
#include "base.h"

static char buffer[8 << 20];

static const char *get_static(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                              msgpack_zone *zone)
{
    rec *r = find(lock(l), key, klen);
    (void)zone;
    if (r && r->vlen <= sizeof buffer) {
        memcpy(buffer, r->key + klen, *vlen = r->vlen);
    }
    unlock(l);
    return r ? buffer : NULL;
}

SPOILED_PLUGIN("static_buffer", op->get = get_static;)
