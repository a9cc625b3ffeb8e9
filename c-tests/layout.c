/*
 * Every size and offset of the contract, as C and C++ compilers see them. The same file
 * checks msgpack-c's own header, with -DGENUINE: the numbers are those of msgpack-c.
 */
#ifdef GENUINE
#include <msgpack.h>
#else
#include <compat/msgpack.h>
#endif
#include <kumo_storage.h>
#include <stddef.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define AT(type, member, offset) ASSERT(offsetof(type, member) == (offset))
#define SIZE(type, size) ASSERT(sizeof(type) == (size))

SIZE(kumo_storage_op, 176);
AT(kumo_storage_op, create, 0);
AT(kumo_storage_op, free, 8);
AT(kumo_storage_op, open, 16);
AT(kumo_storage_op, close, 24);
AT(kumo_storage_op, get, 32);
AT(kumo_storage_op, get_header, 40);
AT(kumo_storage_op, set, 48);
AT(kumo_storage_op, del, 56);
AT(kumo_storage_op, update, 64);
AT(kumo_storage_op, updatev, 72);
AT(kumo_storage_op, rnum, 80);
AT(kumo_storage_op, backup, 88);
AT(kumo_storage_op, error, 96);
AT(kumo_storage_op, for_each, 104);
AT(kumo_storage_op, iterator_key, 112);
AT(kumo_storage_op, iterator_val, 120);
AT(kumo_storage_op, iterator_keylen, 128);
AT(kumo_storage_op, iterator_vallen, 136);
AT(kumo_storage_op, iterator_release_key, 144);
AT(kumo_storage_op, iterator_release_val, 152);
AT(kumo_storage_op, iterator_del, 160);
AT(kumo_storage_op, iterator_del_force, 168);

/* These two grow at the end: the offsets stay, the sizes do not. */
AT(kumo_plugin, struct_size, 0);
AT(kumo_plugin, abi_version, 8);
AT(kumo_plugin, thread_model, 12);
AT(kumo_plugin, caps, 16);
AT(kumo_plugin, name, 24);
AT(kumo_plugin, version, 32);
AT(kumo_plugin, description, 40);
AT(kumo_plugin, params, 48);
AT(kumo_plugin, params_num, 56);
AT(kumo_plugin, op, 64);
AT(kumo_plugin, sync, 240);
AT(kumo_plugin, stats, 248);
AT(kumo_plugin, verify, 256);
AT(kumo_plugin, compact, 264);
AT(kumo_plugin, seek, 272);
AT(kumo_plugin, getv, 280);
AT(kumo_plugin, batch, 288);
AT(kumo_plugin, repair, 296);
ASSERT(sizeof(kumo_plugin) >= 304);

AT(kumo_host, struct_size, 0);
AT(kumo_host, abi_version, 8);
AT(kumo_host, log, 16);
AT(kumo_host, set_error, 24);
AT(kumo_host, zone_push_finalizer, 32);
AT(kumo_host, zone_malloc, 40);
AT(kumo_host, progress, 48);
AT(kumo_host, register_mapping, 56);
AT(kumo_host, unregister_mapping, 64);
ASSERT(sizeof(kumo_host) >= 72);

/* Arrays of these are passed, so they never grow. */
SIZE(kumo_param, 32);
AT(kumo_param, name, 0);
AT(kumo_param, value_type, 8);
AT(kumo_param, default_value, 16);
AT(kumo_param, help, 24);
SIZE(kumo_change, 32);
AT(kumo_change, key, 0);
AT(kumo_change, keylen, 8);
AT(kumo_change, val, 16);
AT(kumo_change, vallen, 24);

ASSERT(KUMO_THREAD_PARALLEL == 0 && KUMO_THREAD_SERIALIZED == 1 && KUMO_THREAD_SINGLE == 2);
ASSERT(KUMO_CAP_VOLATILE == 1 && KUMO_CAP_ORDERED == 2 && KUMO_CAP_DURABLE_SYNC == 4);
ASSERT(KUMO_CAP_BACKUP_BLOCKS == 8 && KUMO_CAP_REENTRANT_SCAN == 16);
ASSERT(KUMO_PARAM_TYPE_STRING == 0 && KUMO_PARAM_TYPE_INT == 1);
ASSERT(KUMO_PARAM_TYPE_BOOL == 2 && KUMO_PARAM_TYPE_SIZE == 3);
SIZE(kumo_param_type, 4);

SIZE(kumo_error, 4);
SIZE(kumo_log, 4);

SIZE(msgpack_zone, 56);
AT(msgpack_zone, chunk_list, 0);
AT(msgpack_zone, finalizer_array, 24);
AT(msgpack_zone, chunk_size, 48);
SIZE(msgpack_zone_chunk_list, 24);
AT(msgpack_zone_chunk_list, free, 0);
AT(msgpack_zone_chunk_list, ptr, 8);
AT(msgpack_zone_chunk_list, head, 16);
SIZE(msgpack_zone_finalizer_array, 24);
AT(msgpack_zone_finalizer_array, tail, 0);
AT(msgpack_zone_finalizer_array, end, 8);
AT(msgpack_zone_finalizer_array, array, 16);
SIZE(msgpack_zone_finalizer, 16);
AT(msgpack_zone_finalizer, func, 0);
AT(msgpack_zone_finalizer, data, 8);
#ifndef GENUINE /* which keeps its members to itself */
SIZE(msgpack_zone_chunk, 8);
#endif
ASSERT(MSGPACK_ZONE_CHUNK_SIZE == 8192);

int main(void)
{
    return 0;
}
