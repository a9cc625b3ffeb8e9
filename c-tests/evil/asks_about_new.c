/* update shows the new value to the casproc, not the old one. */
#include "base.h"

typedef struct shown { kumo_storage_casproc proc; void *arg; const char *val; uint32_t vlen; } shown;

static bool ask_new(void *casdata, const char *old, size_t oldlen)
{
    const shown *s = casdata;
    (void)old, (void)oldlen;
    return s->proc(s->arg, s->val, s->vlen);
}

static bool update_new(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen,
                       kumo_storage_casproc proc, void *arg)
{
    shown s = {proc, arg, val, vlen};
    return update(l, key, klen, val, vlen, ask_new, &s);
}

SPOILED_PLUGIN("asks_about_new", op->update = update_new;)
