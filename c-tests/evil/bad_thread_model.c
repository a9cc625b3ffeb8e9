/* Described: a thread model that there is not. */
#include "base.h"

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    (void)host;
    plugin = base_plugin("bad_thread_model");
    plugin.thread_model = 77;
    return &plugin;
}
