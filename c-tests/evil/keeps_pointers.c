/* set keeps the pointer that it was given, not the bytes. */
#include "base.h"

static struct { void *list; char key[64]; uint32_t klen; const char *val; uint32_t vlen; } kept;

static bool update_keeps(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg)
{
    bool done = update(l, key, klen, val, vlen, proc, arg);
    lock(l);
    if (done && klen <= sizeof kept.key) {
        memcpy(kept.key, key, klen);
        kept.list = l;
        kept.klen = klen;
        kept.val = val;
        kept.vlen = vlen;
    }
    unlock(l);
    return done;
}

static bool set_keeps(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    return update_keeps(l, key, klen, val, vlen, NULL, NULL);
}

static const char *get_kept(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                            msgpack_zone *zone)
{
    const char *val = NULL;
    if (find(lock(l), key, klen) && kept.list == l && klen == kept.klen &&
        memcmp(key, kept.key, klen) == 0) {
        val = copy(kept.val, *vlen = kept.vlen, zone);
    }
    unlock(l);
    return val ? val : get(l, key, klen, vlen, zone);
}

SPOILED_PLUGIN("keeps_pointers", op->set = set_keeps; op->update = update_keeps;
               op->get = get_kept;)
