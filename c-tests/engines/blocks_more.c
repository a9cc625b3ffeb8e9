/*
 * Everything blocks that can: beside the calls of blocks.c, arithmetic, touch and gat, and,
 * as if they had a key of that name, flush ("flush") and `stats more`, which answers STAT
 * word more.
 */
#define _POSIX_C_SOURCE 200809L

#include "blocks.h"
#include "memory_more.h"

static ENGINE_ERROR_CODE arithmetic(ENGINE_HANDLE *handle, const void *cookie, const void *key,
                                    const int nkey, const bool increment, const bool create,
                                    const uint64_t delta, const uint64_t initial,
                                    const rel_time_t exptime, uint64_t *cas, uint64_t *result,
                                    uint16_t vbucket)
{
    return ready((blocks *)handle, cookie, ARITHMETIC, key, (size_t)nkey)
               ? memory_arithmetic(handle, cookie, key, nkey, increment, create, delta, initial,
                                   exptime, cas, result, vbucket)
               : ENGINE_EWOULDBLOCK;
}

static ENGINE_ERROR_CODE unknown_command(ENGINE_HANDLE *handle, const void *cookie,
                                         protocol_binary_request_header *request,
                                         ADD_RESPONSE response)
{
    const uint8_t *key = request->bytes + sizeof *request + request->request.extlen;
    return ready((blocks *)handle, cookie, COMMAND, key, ntohs(request->request.keylen))
               ? memory_unknown_command(handle, cookie, request, response)
               : ENGINE_EWOULDBLOCK;
}

static ENGINE_ERROR_CODE flush(ENGINE_HANDLE *handle, const void *cookie, time_t when)
{
    return ready((blocks *)handle, cookie, FLUSH, "flush", 5) ? memory_flush(handle, cookie, when)
                                                              : ENGINE_EWOULDBLOCK;
}

static ENGINE_ERROR_CODE get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                                   int nkey, ADD_STAT add_stat)
{
    if (nkey == 0) {
        return blocks_get_stats(handle, cookie, key, nkey, add_stat);
    }
    if (nkey != 4 || memcmp(key, "more", 4) != 0) {
        return ENGINE_KEY_ENOENT;
    }
    if (!ready((blocks *)handle, cookie, STATS, key, (size_t)nkey)) {
        return ENGINE_EWOULDBLOCK;
    }
    add_stat("word", 4, key, (uint32_t)nkey, cookie);
    return ENGINE_SUCCESS;
}

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    blocks *b = blocks_table(get_server_api);
    (void)interface;
    if (b == NULL) {
        return ENGINE_ENOMEM;
    }
    b->m.table.arithmetic = arithmetic;
    b->m.table.unknown_command = unknown_command;
    b->m.table.flush = flush;
    b->m.table.get_stats = get_stats;
    *handle = (ENGINE_HANDLE *)b;
    return ENGINE_SUCCESS;
}
