/* free frees nothing. */
#include "base.h"

static void free_nothing(void *l)
{
    (void)l;
}

SPOILED_PLUGIN("leaks_instance", op->free = free_nothing;)
