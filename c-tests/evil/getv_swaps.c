/* getv mixes up the values of its keys. */
#include "base.h"

static bool getv_swaps(void *l, const char *const *keys, const uint32_t *klens, uint32_t num,
                       const char **vals, uint32_t *vlens, msgpack_zone *zone)
{
    uint32_t i;
    for (i = 0; i < num; i++) {
        vals[num - 1 - i] = get(l, keys[i], klens[i], &vlens[num - 1 - i], zone);
    }
    return true;
}

SPOILED_PLUGIN("getv_swaps", plugin->getv = getv_swaps;)
