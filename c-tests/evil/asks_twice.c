/* update asks the casproc twice about one record. */
#include "base.h"

typedef struct twice { kumo_storage_casproc proc; void *arg; } twice;

static bool ask_twice(void *casdata, const char *old, size_t oldlen)
{
    const twice *t = casdata;
    return t->proc(t->arg, old, oldlen) && t->proc(t->arg, old, oldlen);
}

static bool update_twice(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                         kumo_storage_casproc proc, void *arg)
{
    twice t = {proc, arg};
    return update(l, key, klen, val, vlen, ask_twice, &t);
}

SPOILED_PLUGIN("asks_twice", op->update = update_twice;)
