/* set says that it has stored, and has not. */
#include "base.h"

static bool set_lies(void *l, const char *key, uint32_t klen, const char *val, uint32_t vlen)
{
    (void)l, (void)key, (void)klen, (void)val, (void)vlen;
    return true;
}

SPOILED_PLUGIN("set_lies", op->set = set_lies;)
