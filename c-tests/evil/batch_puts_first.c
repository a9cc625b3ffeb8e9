/* batch carries out its deletes first, and then its puts. */
#include "base.h"

static bool always(void *casdata, const char *old, size_t oldlen)
{
    (void)casdata, (void)old, (void)oldlen;
    return true;
}

static bool batch_sorted(void *l, const kumo_change *changes, size_t num)
{
    size_t i;
    for (i = 0; i < num; i++) {
        if (!changes[i].val) {
            del(l, changes[i].key, (uint32_t)changes[i].keylen, always, NULL);
        }
    }
    for (i = 0; i < num; i++) {
        if (changes[i].val) {
            set(l, changes[i].key, (uint32_t)changes[i].keylen, changes[i].val,
                (uint32_t)changes[i].vallen);
        }
    }
    return true;
}

SPOILED_PLUGIN("batch_puts_first", plugin->batch = batch_sorted;)
