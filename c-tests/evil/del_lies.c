/* del says that it has deleted, and has not. */
#include "base.h"

static bool del_lies(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc, void *arg)
{
    char old;
    (void)proc, (void)arg;
    return get_header(l, key, klen, &old, 1) >= 0;
}

SPOILED_PLUGIN("del_lies", op->del = del_lies;)
