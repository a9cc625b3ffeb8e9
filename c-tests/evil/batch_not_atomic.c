/* batch carries its changes out one by one, for all to see. */
#include "base.h"

static bool always(void *casdata, const char *old, size_t oldlen)
{
    (void)casdata, (void)old, (void)oldlen;
    return true;
}

static bool batch_in_parts(void *l, const kumo_change *changes, size_t num)
{
    size_t i;
    for (i = 0; i < num; i++) {
        const kumo_change *c = &changes[i];
        if (c->val) {
            set(l, c->key, (uint32_t)c->keylen, c->val, (uint32_t)c->vallen);
        } else {
            del(l, c->key, (uint32_t)c->keylen, always, NULL);
        }
        gap();
    }
    return true;
}

SPOILED_PLUGIN("batch_not_atomic", plugin->batch = batch_in_parts;)
