/* del of a key that is not there is a success. */
#include "base.h"

static bool del_absent_true(void *l, const char *key, uint32_t klen, kumo_storage_casproc proc,
                            void *arg)
{
    char old;
    return get_header(l, key, klen, &old, 1) < 0 || del(l, key, klen, proc, arg);
}

SPOILED_PLUGIN("del_absent_true", op->del = del_absent_true;)
