/* iterator_del deletes without asking. */
#include "base.h"

static bool del_anyway(void *it, kumo_storage_casproc proc, void *arg)
{
    (void)proc, (void)arg;
    return idel_force(it);
}

SPOILED_PLUGIN("iterator_del_never_asks", op->iterator_del = del_anyway;)
