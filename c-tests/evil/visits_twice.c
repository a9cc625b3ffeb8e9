/* for_each shows the first record twice. */
#include "base.h"

typedef struct twice { void *user; kumo_storage_visit visit; bool again; } twice;

static int visit_twice(void *user, void *it)
{
    twice *t = user;
    int result = t->visit(t->user, it);
    if (result >= 0 && t->again) {
        t->again = false;
        result = t->visit(t->user, it);
    }
    return result;
}

static int for_each_twice(void *l, void *user, kumo_storage_visit visit)
{
    twice t = {user, visit, true};
    return for_each(l, &t, visit_twice);
}

SPOILED_PLUGIN("visits_twice", op->for_each = for_each_twice; op->rnum = rnum;)
