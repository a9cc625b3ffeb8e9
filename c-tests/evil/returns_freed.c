/* get returns memory that is freed while the zone lives: by the next get of the thread. */
#include "base.h"

static __thread char *last;

static const char *get_freed(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                             msgpack_zone *zone)
{
    rec *r = find(lock(l), key, klen);
    (void)zone;
    if (r) {
        free(last);
        last = malloc(r->vlen + 1);
        if (last) {
            memcpy(last, r->key + klen, *vlen = r->vlen);
        }
    }
    unlock(l);
    return r ? last : NULL;
}

SPOILED_PLUGIN("returns_freed", op->get = get_freed;)
