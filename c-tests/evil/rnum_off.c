/* rnum is off by one. */
#include "base.h"

static uint64_t one_more(void *l)
{
    return rnum(l) + 1;
}

SPOILED_PLUGIN("rnum_off", op->rnum = one_more;)
