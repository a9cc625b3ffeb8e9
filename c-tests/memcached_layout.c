/*
 * Every size, offset and number of memcached's engine interface, as C and C++ compilers see
 * them on 64 bits: engines that were compiled in 2013 depend on them.
 */
#include <memcached/engine.h>
#include <memcached/allocator_hooks.h>
#include <memcached/callback.h>
#include <memcached/config_parser.h>
#include <memcached/engine_common.h>
#include <memcached/extension.h>
#include <memcached/extension_loggers.h>
#include <memcached/protocol_binary.h>
#include <memcached/server_api.h>
#include <memcached/types.h>
#include <memcached/vbucket.h>
#include <memcached/visibility.h>
#include <stddef.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define AT(type, member, offset) ASSERT(offsetof(type, member) == (offset))
#define SIZE(type, size) ASSERT(sizeof(type) == (size))

SIZE(ENGINE_HANDLE, 8);
SIZE(ENGINE_HANDLE_V1, 168);
AT(ENGINE_HANDLE_V1, interface, 0);
AT(ENGINE_HANDLE_V1, get_info, 8);
AT(ENGINE_HANDLE_V1, initialize, 16);
AT(ENGINE_HANDLE_V1, destroy, 24);
AT(ENGINE_HANDLE_V1, allocate, 32);
AT(ENGINE_HANDLE_V1, remove, 40);
AT(ENGINE_HANDLE_V1, release, 48);
AT(ENGINE_HANDLE_V1, get, 56);
AT(ENGINE_HANDLE_V1, store, 64);
AT(ENGINE_HANDLE_V1, arithmetic, 72);
AT(ENGINE_HANDLE_V1, flush, 80);
AT(ENGINE_HANDLE_V1, get_stats, 88);
AT(ENGINE_HANDLE_V1, reset_stats, 96);
AT(ENGINE_HANDLE_V1, get_stats_struct, 104);
AT(ENGINE_HANDLE_V1, aggregate_stats, 112);
AT(ENGINE_HANDLE_V1, unknown_command, 120);
AT(ENGINE_HANDLE_V1, tap_notify, 128);
AT(ENGINE_HANDLE_V1, get_tap_iterator, 136);
AT(ENGINE_HANDLE_V1, item_set_cas, 144);
AT(ENGINE_HANDLE_V1, get_item_info, 152);
AT(ENGINE_HANDLE_V1, errinfo, 160);

SIZE(item_info, 56);
AT(item_info, cas, 0);
AT(item_info, exptime, 8);
AT(item_info, nbytes, 12);
AT(item_info, flags, 16);
AT(item_info, clsid, 20);
AT(item_info, nkey, 22);
AT(item_info, nvalue, 24);
AT(item_info, key, 32);
AT(item_info, value, 40);

SIZE(engine_info, 32);
AT(engine_info, description, 0);
AT(engine_info, num_features, 8);
AT(engine_info, features, 16);
SIZE(feature_info, 16);
AT(feature_info, feature, 0);
AT(feature_info, description, 8);

SIZE(SERVER_HANDLE_V1, 64);
AT(SERVER_HANDLE_V1, interface, 0);
AT(SERVER_HANDLE_V1, core, 8);
AT(SERVER_HANDLE_V1, stat, 16);
AT(SERVER_HANDLE_V1, extension, 24);
AT(SERVER_HANDLE_V1, callback, 32);
AT(SERVER_HANDLE_V1, engine, 40);
AT(SERVER_HANDLE_V1, log, 48);
AT(SERVER_HANDLE_V1, cookie, 56);

SIZE(SERVER_CORE_API, 64);
AT(SERVER_CORE_API, get_current_time, 0);
AT(SERVER_CORE_API, realtime, 8);
AT(SERVER_CORE_API, abstime, 16);
AT(SERVER_CORE_API, server_version, 24);
AT(SERVER_CORE_API, hash, 32);
AT(SERVER_CORE_API, parse_config, 40);
AT(SERVER_CORE_API, shutdown, 48);
AT(SERVER_CORE_API, get_config, 56);

SIZE(SERVER_STAT_API, 24);
AT(SERVER_STAT_API, new_stats, 0);
AT(SERVER_STAT_API, release_stats, 8);
AT(SERVER_STAT_API, evicting, 16);

SIZE(SERVER_COOKIE_API, 56);
AT(SERVER_COOKIE_API, get_socket_fd, 0);
AT(SERVER_COOKIE_API, get_auth_data, 8);
AT(SERVER_COOKIE_API, store_engine_specific, 16);
AT(SERVER_COOKIE_API, get_engine_specific, 24);
AT(SERVER_COOKIE_API, notify_io_complete, 32);
AT(SERVER_COOKIE_API, reserve, 40);
AT(SERVER_COOKIE_API, release, 48);

SIZE(SERVER_CALLBACK_API, 16);
AT(SERVER_CALLBACK_API, register_callback, 0);
AT(SERVER_CALLBACK_API, perform_callbacks, 8);

SIZE(SERVER_EXTENSION_API, 24);
AT(SERVER_EXTENSION_API, register_extension, 0);
AT(SERVER_EXTENSION_API, unregister_extension, 8);
AT(SERVER_EXTENSION_API, get_extension, 16);

SIZE(SERVER_LOG_API, 24);
AT(SERVER_LOG_API, get_logger, 0);
AT(SERVER_LOG_API, get_level, 8);
AT(SERVER_LOG_API, set_level, 16);

SIZE(EXTENSION_LOGGER_DESCRIPTOR, 16);
AT(EXTENSION_LOGGER_DESCRIPTOR, get_name, 0);
AT(EXTENSION_LOGGER_DESCRIPTOR, log, 8);
SIZE(EXTENSION_DAEMON_DESCRIPTOR, 16);
AT(EXTENSION_DAEMON_DESCRIPTOR, get_name, 0);
AT(EXTENSION_DAEMON_DESCRIPTOR, next, 8);
SIZE(auth_data_t, 16);
AT(auth_data_t, username, 0);
AT(auth_data_t, config, 8);

SIZE(struct config_item, 32);
AT(struct config_item, key, 0);
AT(struct config_item, datatype, 8);
AT(struct config_item, value, 16);
AT(struct config_item, found, 24);

SIZE(rel_time_t, 4);
SIZE(ENGINE_ERROR_CODE, 4);
SIZE(ENGINE_STORE_OPERATION, 4);
SIZE(ENGINE_EVENT_TYPE, 4);
SIZE(EXTENSION_LOG_LEVEL, 4);
SIZE(extension_type_t, 4);

SIZE(protocol_binary_request_header, 24);
AT(protocol_binary_request_header, request.magic, 0);
AT(protocol_binary_request_header, request.opcode, 1);
AT(protocol_binary_request_header, request.keylen, 2);
AT(protocol_binary_request_header, request.extlen, 4);
AT(protocol_binary_request_header, request.datatype, 5);
AT(protocol_binary_request_header, request.vbucket, 6);
AT(protocol_binary_request_header, request.bodylen, 8);
AT(protocol_binary_request_header, request.opaque, 12);
AT(protocol_binary_request_header, request.cas, 16);
SIZE(protocol_binary_response_header, 24);
AT(protocol_binary_request_touch, message.body.expiration, 24);
AT(protocol_binary_response_get, message.body.flags, 24);

ASSERT(ENGINE_INTERFACE_VERSION == 1);
ASSERT(ENGINE_SUCCESS == 0 && ENGINE_KEY_ENOENT == 1 && ENGINE_KEY_EEXISTS == 2);
ASSERT(ENGINE_ENOMEM == 3 && ENGINE_NOT_STORED == 4 && ENGINE_EINVAL == 5);
ASSERT(ENGINE_ENOTSUP == 6 && ENGINE_EWOULDBLOCK == 7 && ENGINE_E2BIG == 8);
ASSERT(ENGINE_WANT_MORE == 9 && ENGINE_DISCONNECT == 10 && ENGINE_EACCESS == 11);
ASSERT(ENGINE_NOT_MY_VBUCKET == 12 && ENGINE_TMPFAIL == 13 && ENGINE_ERANGE == 14);
ASSERT(ENGINE_FAILED == 255);
ASSERT(OPERATION_ADD == 1 && OPERATION_SET == 2 && OPERATION_REPLACE == 3);
ASSERT(OPERATION_APPEND == 4 && OPERATION_PREPEND == 5 && OPERATION_CAS == 6);
ASSERT(ON_CONNECT == 0 && ON_DISCONNECT == 1 && ON_AUTH == 2);
ASSERT(ON_SWITCH_CONN == 3 && ON_LOG_LEVEL == 4);
ASSERT(EXTENSION_DAEMON == 0 && EXTENSION_LOGGER == 1 && EXTENSION_ASCII_PROTOCOL == 2);
ASSERT(EXTENSION_LOG_DETAIL == 0 && EXTENSION_LOG_DEBUG == 1);
ASSERT(EXTENSION_LOG_INFO == 2 && EXTENSION_LOG_WARNING == 3);
ASSERT(DT_SIZE == 0 && DT_FLOAT == 1 && DT_BOOL == 2 && DT_STRING == 3 && DT_CONFIGFILE == 4);
ASSERT(PROTOCOL_BINARY_CMD_TOUCH == 0x1c && PROTOCOL_BINARY_CMD_GAT == 0x1d);
ASSERT(PROTOCOL_BINARY_CMD_GATQ == 0x1e);

int main(void)
{
    return 0;
}
