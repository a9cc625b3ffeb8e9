/* for_each goes on after a negative value. */
#include "base.h"

typedef struct deaf { void *user; kumo_storage_visit visit; } deaf;

static int visit_deaf(void *user, void *it)
{
    const deaf *d = user;
    d->visit(d->user, it);
    return 0;
}

static int for_each_deaf(void *l, void *user, kumo_storage_visit visit)
{
    deaf d = {user, visit};
    return for_each(l, &d, visit_deaf);
}

SPOILED_PLUGIN("ignores_stop", op->for_each = for_each_deaf;)
