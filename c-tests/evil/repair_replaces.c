/* repair replaces what stands at the new name. */
#include "log.h"

static int64_t repair_over(const char *from, const char *to, kumo_verify_report report, void *user)
{
    void *l = create();
    int64_t records = -1;
    (void)report, (void)user;
    if (access(from, F_OK) == 0 && log_open(l, from)) {
        unlink(to);
        records = log_backup(l, to) ? (int64_t)rnum(l) : -1;
        log_close(l);
    } else {
        base_host->set_error(KUMO_ERROR_IO, "cannot open it");
    }
    destroy(l);
    return records;
}

SPOILED_LOG("repair_replaces", plugin->repair = repair_over;)
