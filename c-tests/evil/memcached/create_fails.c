/* create_instance supports no interface. */
#include <memcached/engine.h>

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    (void)interface;
    (void)get_server_api;
    (void)handle;
    return ENGINE_ENOTSUP;
}
