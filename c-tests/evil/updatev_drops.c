/* updatev says that it stored all, and has left out the last one. */
#include "base.h"

static int updatev_drops(void *l, const char **keys, const size_t *klens, const char **vals,
                         const size_t *vlens, uint16_t num)
{
    int i;
    for (i = 0; i < num - 1; i++) {
        set(l, keys[i], (uint32_t)klens[i], vals[i], (uint32_t)vlens[i]);
    }
    return num;
}

SPOILED_PLUGIN("updatev_drops", op->updatev = updatev_drops;)
