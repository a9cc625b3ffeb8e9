/* iterator_del deletes another record than the one that is shown. */
#include "base.h"

static bool del_next(void *it, kumo_storage_casproc proc, void *arg)
{
    rec *other = ((rec *)it)->next;
    while (other && other->dead) {
        other = other->next;
    }
    return idel(other ? other : it, proc, arg);
}

static bool del_next_force(void *it)
{
    return del_next(it, NULL, NULL);
}

SPOILED_PLUGIN("deletes_another", op->iterator_del = del_next;
               op->iterator_del_force = del_next_force;)
