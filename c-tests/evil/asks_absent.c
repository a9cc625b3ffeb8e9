/* update asks the casproc about a key that is not there. */
#include "base.h"

static bool update_asks(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                        kumo_storage_casproc proc, void *arg)
{
    char old;
    if (get_header(l, key, klen, &old, 1) < 0 && !proc(arg, "", 0)) {
        return false;
    }
    return update(l, key, klen, val, vlen, proc, arg);
}

SPOILED_PLUGIN("asks_absent", op->update = update_asks;)
