/* get reads what is not there, once there is a record. */
#include "base.h"

static const char *get_crashes(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                               msgpack_zone *zone)
{
    static const char *volatile nowhere;
    return rnum(l) > 0 ? (*vlen = (uint32_t)*nowhere, nowhere) : get(l, key, klen, vlen, zone);
}

SPOILED_PLUGIN("segfaults", op->get = get_crashes;)
