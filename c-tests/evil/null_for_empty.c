/* get has NULL for a value of length 0. */
#include "base.h"

static const char *get_null(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                            msgpack_zone *zone)
{
    const char *val = get(l, key, klen, vlen, zone);
    return val && *vlen == 0 ? NULL : val;
}

SPOILED_PLUGIN("null_for_empty", op->get = get_null;)
