/* Described: kumo_plugin_init gives up, and says why. */
#include <kumo_storage.h>

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    (void)host_abi;
    host->set_error(KUMO_ERROR_UNSUPPORTED, "this machine has no flux capacitor");
    return NULL;
}
