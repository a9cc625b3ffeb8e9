/* Described: its struct_size ends in the middle of the table. */
#include "base.h"

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    (void)host;
    plugin = base_plugin("short_struct");
    plugin.struct_size = offsetof(kumo_plugin, op) + offsetof(kumo_storage_op, rnum);
    return &plugin;
}
