/* A key ends at its first NUL. */
#include "base.h"

static uint32_t until_nul(const char *key, uint32_t klen)
{
    const char *nul = klen ? memchr(key, 0, klen) : NULL;
    return nul ? (uint32_t)(nul - key) : klen;
}

static const char *get_c(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                         msgpack_zone *zone)
{
    return get(l, key, until_nul(key, klen), vlen, zone);
}

static bool set_c(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return set(l, key, until_nul(key, klen), val, vlen);
}

static bool update_c(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                     kumo_storage_casproc proc, void *arg)
{
    return update(l, key, until_nul(key, klen), val, vlen, proc, arg);
}

static bool del_c(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    return del(l, key, until_nul(key, klen), proc, arg);
}

SPOILED_PLUGIN("c_string_keys", op->get = get_c; op->get_header = NULL; op->set = set_c;
               op->update = update_c; op->del = del_c;)
