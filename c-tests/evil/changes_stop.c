/* for_each stops at a negative value, and returns -1 whatever it was. */
#include "base.h"

static int for_each_minus_one(void *l, void *user, kumo_storage_visit visit)
{
    return for_each(l, user, visit) < 0 ? -1 : 0;
}

SPOILED_PLUGIN("changes_stop", op->for_each = for_each_minus_one;)
