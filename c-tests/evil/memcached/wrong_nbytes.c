/* get_item_info's nbytes counts the key as well. */
#include "evil.h"

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    bool well = memory_get_item_info(handle, cookie, it, info);
    info->nbytes += info->nkey;
    return well;
}

EVIL(t->get_item_info = get_item_info;)
