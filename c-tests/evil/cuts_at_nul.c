/* A value ends at its first NUL. */
#include "base.h"

static bool update_cut(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                       kumo_storage_casproc proc, void *arg)
{
    const char *nul = vlen ? memchr(val, 0, vlen) : NULL;
    return update(l, key, klen, val, nul ? (uint32_t)(nul - val) : vlen, proc, arg);
}

static bool set_cut(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_cut(l, key, klen, val, vlen, NULL, NULL);
}

SPOILED_PLUGIN("cuts_at_nul", op->set = set_cut; op->update = update_cut;)
