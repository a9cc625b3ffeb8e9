/* for_each leaves out the first record where there are several. */
#include "base.h"

typedef struct skip { void *user; kumo_storage_visit visit; bool now; } skip;

static int visit_others(void *user, void *it)
{
    skip *s = user;
    if (s->now) {
        s->now = false;
        return 0;
    }
    return s->visit(s->user, it);
}

static int for_each_but_one(void *l, void *user, kumo_storage_visit visit)
{
    skip s = {user, visit, rnum(l) > 1};
    return for_each(l, &s, visit_others);
}

SPOILED_PLUGIN("misses_record", op->for_each = for_each_but_one;)
