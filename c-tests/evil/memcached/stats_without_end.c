/* Statistics go on for ever. */
#include "evil.h"

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    (void)handle;
    (void)key;
    (void)nkey;
    for (;;) {
        add_stat("more", 4, "1", 1, cookie);
    }
    return ENGINE_SUCCESS;
}

EVIL(t->get_stats = get_stats;)
