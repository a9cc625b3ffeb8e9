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
AT(kumo_plugin, op, 48);
ASSERT(sizeof(kumo_plugin) >= 224);

AT(kumo_host, struct_size, 0);
AT(kumo_host, abi_version, 8);
AT(kumo_host, log, 16);
AT(kumo_host, set_error, 24);
ASSERT(sizeof(kumo_host) >= 32);

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
