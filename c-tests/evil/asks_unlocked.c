/* update compares first and writes then, with a gap between: updates are lost. */
#include "base.h"

static bool update_gap(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                       kumo_storage_casproc proc, void *arg)
{
    msgpack_zone zone;
    uint32_t oldlen;
    const char *old;
    bool go;
    msgpack_zone_init(&zone, MSGPACK_ZONE_CHUNK_SIZE);
    old = get(l, key, klen, &oldlen, &zone);
    go = !old || proc(arg, old, oldlen);
    msgpack_zone_destroy(&zone);
    gap();
    return go && set(l, key, klen, val, vlen);
}

SPOILED_PLUGIN("asks_unlocked", op->update = update_gap;)
