/* It says that it has CAS uniques, and they are 0. */
#include "evil.h"

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    bool well = memory_get_item_info(handle, cookie, it, info);
    info->cas = 0;
    return well;
}

EVIL(t->get_item_info = get_item_info;)
