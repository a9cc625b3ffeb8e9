/* get_header copies the whole value, however little room there is. */
#include "base.h"

static int32_t no_limit(void *l, const char *key, uint32_t klen, char *val, uint32_t vlen)
{
    int32_t n = get_header(l, key, klen, val, UINT32_MAX);
    return n > (int32_t)vlen ? (int32_t)vlen : n;
}

SPOILED_PLUGIN("header_overruns", op->get_header = no_limit;)
