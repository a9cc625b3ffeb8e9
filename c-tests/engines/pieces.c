/*
 * A value is told in pieces of 2000 bytes, both to be written and to be read; one that is
 * empty has no piece at all. With too few places for them, get_item_info answers false.
 */
#include "memory.h"

#define PIECE 2000

static bool get_item_info(ENGINE_HANDLE *handle, const void *cookie, const item *it,
                          item_info *info)
{
    uint16_t room = info->nvalue;
    struct iovec *pieces = info->value;
    char *value;
    size_t at;
    if (!memory_get_item_info(handle, cookie, it, info) ||
        room < (info->nbytes + PIECE - 1) / PIECE) {
        return false;
    }
    value = pieces[0].iov_base;
    info->nvalue = 0;
    for (at = 0; at < info->nbytes; at += PIECE) {
        pieces[info->nvalue].iov_base = value + at;
        pieces[info->nvalue].iov_len = info->nbytes - at < PIECE ? info->nbytes - at : PIECE;
        info->nvalue++;
    }
    return true;
}

MEMORY_ENGINE(memory, t->get_item_info = get_item_info;)
