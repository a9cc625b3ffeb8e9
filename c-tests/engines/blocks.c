/*
 * get, store and remove block, as blocks.h says. There is no arithmetic and no command: a
 * host does without them, by calls that block.
 */
#define _POSIX_C_SOURCE 200809L

#include "blocks.h"

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
    *handle = (ENGINE_HANDLE *)b;
    return ENGINE_SUCCESS;
}
