/* get registers its finalizer twice: the value is freed twice. */
#include "base.h"

static const char *get_twice(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                             msgpack_zone *zone)
{
    const char *val = get(l, key, klen, vlen, zone);
    if (val) {
        msgpack_zone_push_finalizer(zone, free, (void *)val);
    }
    return val;
}

SPOILED_PLUGIN("finalizes_twice", op->get = get_twice;)
