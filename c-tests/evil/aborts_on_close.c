/* close ends the process. */
#include "base.h"

static void close_aborts(void *l)
{
    (void)l;
    abort();
}

SPOILED_PLUGIN("aborts_on_close", op->close = close_aborts;)
