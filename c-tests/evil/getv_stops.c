/* getv does not look further after a key that is not there. */
#include "base.h"

static bool getv_stops(void *l, const char *const *keys, const uint32_t *klens, uint32_t num,
                       const char **vals, uint32_t *vlens, msgpack_zone *zone)
{
    uint32_t i;
    for (i = 0; i < num; i++) {
        vals[i] = i > 0 && !vals[i - 1] ? NULL : get(l, keys[i], klens[i], &vlens[i], zone);
    }
    return true;
}

SPOILED_PLUGIN("getv_stops", plugin->getv = getv_stops;)
