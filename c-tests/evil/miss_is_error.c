/* get reports an error for a key that is not there. */
#include "base.h"

static const char *get_complains(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                                 msgpack_zone *zone)
{
    const char *val = get(l, key, klen, vlen, zone);
    if (!val) {
        base_host->set_error(KUMO_ERROR_OTHER, "no such key");
    }
    return val;
}

SPOILED_PLUGIN("miss_is_error", op->get = get_complains;)
