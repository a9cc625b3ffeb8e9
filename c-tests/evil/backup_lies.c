/* backup says that it is done, and has written nothing. */
#include "log.h"

static bool backup_nothing(void *l, const char *dst)
{
    return l && dst;
}

SPOILED_LOG("backup_lies", op->backup = backup_nothing;)
