/* A value is as long as 16 bits can say. */
#include "base.h"

static bool update_16(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                      kumo_storage_casproc proc, void *arg)
{
    return update(l, key, klen, val, (uint16_t)vlen, proc, arg);
}

static bool set_16(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_16(l, key, klen, val, vlen, NULL, NULL);
}

SPOILED_PLUGIN("length_16_bits", op->set = set_16; op->update = update_16;)
