/* set ends the process, and with 0. */
#include "base.h"

static bool set_exits(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    (void)l, (void)key, (void)klen, (void)val, (void)vlen;
    _exit(0);
}

SPOILED_PLUGIN("exits", op->set = set_exits;)
