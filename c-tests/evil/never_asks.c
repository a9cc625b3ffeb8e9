/* update does not ask the casproc at all. */
#include "base.h"

static bool update_never(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg)
{
    (void)proc, (void)arg;
    return set(l, key, klen, val, vlen);
}

SPOILED_PLUGIN("never_asks", op->update = update_never;)
