/* get_item_info hands out a value in two pieces, however many there is room for. */
#include "evil.h"

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    struct iovec *pieces = info->value;
    bool well = memory_get_item_info(handle, cookie, it, info);
    size_t first = info->nbytes / 2;
    pieces[0].iov_len = first;
    pieces[1].iov_base = (char *)pieces[0].iov_base + first;
    pieces[1].iov_len = info->nbytes - first;
    info->nvalue = 2;
    return well;
}

EVIL(t->get_item_info = get_item_info;)
