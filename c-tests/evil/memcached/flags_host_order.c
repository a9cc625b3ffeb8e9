/* The flags come back in the host's order. */
#include "evil.h"

#include <arpa/inet.h>

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    bool well = memory_get_item_info(handle, cookie, it, info);
    info->flags = ntohl(info->flags);
    return well;
}

EVIL(t->get_item_info = get_item_info;)
