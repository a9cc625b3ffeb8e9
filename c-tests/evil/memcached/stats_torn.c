/* A statistic's value has a line end in it. */
#include "evil.h"

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    add_stat("torn", 4, "1\r\nSTAT x 2", 11, cookie);
    return memory_get_stats(handle, cookie, key, nkey, add_stat);
}

EVIL(t->get_stats = get_stats;)
